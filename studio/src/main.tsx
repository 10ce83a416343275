import { render } from 'preact';
import './style/base.css';
import './style/parts.css';
import { needsReload } from './isolation.ts';
import { Studio } from './studio.tsx';

const place = document.getElementById('studio');
if (await needsReload()) location.reload();
else if (place) render(<Studio />, place);
