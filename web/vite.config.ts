import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * Builds the viewer into dist/web. Nothing is inlined: the server's policy forbids inline scripts, inline styles and
 * `data:` addresses. `TACHOGRAPH_API` names the server that the development server asks.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    sourcemap: false,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: process.env['TACHOGRAPH_API'] ?? 'http://127.0.0.1:7230', changeOrigin: true } },
  },
});
