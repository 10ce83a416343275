// `inkhorn build-native`: compiles the C++ engine here. Its requirements are in backend/native/toolchain.ts.
import { type Context, defineCommand } from '../command.ts';
import { buildNative } from '../native-build.ts';

export const buildNativeCommand = defineCommand({
  examples: [['build-native', 'afterwards --backend auto takes it; `inkhorn doctor` says so']],
  flags: {},
  async run({ output }: Context<Record<string, never>>): Promise<void> {
    const built = await buildNative(output.json);
    output.data({ built });
    if (!built) throw new Error('the native engine is not built: the lines above say why');
    output.print('The native engine is built.');
  },
});
