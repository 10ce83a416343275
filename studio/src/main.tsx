import { render } from 'preact';
import './style/base.css';
import './style/parts.css';
import { library } from './engine.ts';
import { needsReload } from './isolation.ts';
import { fetchShipped } from './kept/shipped.ts';
import { room } from './route.ts';
import { Studio } from './studio.tsx';

// What takes longest begins first: the model that speaks on the first page, and the worker with its engine.
if (room.value === 'arrive') fetchShipped();

const place = document.getElementById('studio');
if (await needsReload()) location.reload();
else if (place) {
  library().catch(() => undefined); // the frame says why
  render(<Studio />, place);
}
