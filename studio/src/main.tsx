import { render } from 'preact';
import './style/base.css';
import './style/parts.css';
import { Studio } from './studio.tsx';

const place = document.getElementById('studio');
if (place) render(<Studio />, place);
