// A worker that trains and sends the losses to the page.
import { createBackend } from '../../src/platform/browser.ts';
import { type Losses, lesson, losses } from './tasks.ts';

declare const self: { postMessage(losses: Losses): void };

const { backend } = await createBackend('wasm');
self.postMessage(await losses(lesson(backend)));
