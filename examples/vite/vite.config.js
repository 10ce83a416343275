// With these two headers a browser shares memory between threads; on a host of your own, send them there.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default { server: { headers }, preview: { headers }, build: { target: 'es2022' } };
