import { render } from 'preact';
import './style/base.css';
import './style/parts.css';
import { library } from './engine.ts';
import { followedName } from './followed.ts';
import { needsReload } from './isolation.ts';
import { fetchShipped } from './kept/shipped.ts';
import { askedRoom, redirect, room } from './route.ts';
import { Studio } from './studio.tsx';

// Who asks for nothing else comes to see the run that the server follows.
if (followedName !== null && askedRoom.value === '') redirect('train');

// What takes longest begins first: the model that speaks on the first page, and the worker with its engine.
if (room.value === 'arrive') fetchShipped();

const place = document.getElementById('studio');
if (await needsReload()) location.reload();
else if (place) {
  library().catch(() => undefined); // the frame says why
  render(<Studio />, place);
}
