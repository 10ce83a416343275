// Prints what the native engine computes with. For emulated.mjs: Node on any platform runs it.
import { createNative } from '../../dist/src/backend/native/index.js';

const engine = await createNative();
console.log(engine.description);
engine.dispose();
