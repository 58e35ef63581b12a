import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * Builds the viewer as one classic script and one sheet of styles, for pages that open from a file: there a browser loads
 * no module. `tachograph export --html` puts both into the page.
 */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  publicDir: false,
  build: {
    outDir: '../dist/web/page',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    cssCodeSplit: false,
    // One script is the point.
    chunkSizeWarningLimit: 1000,
    sourcemap: false,
    rolldownOptions: {
      // The helper that would load parts by their address: there are none to load.
      transform: { define: { 'import.meta': '{}' } },
      input: `${import.meta.dirname}/src/main.tsx`,
      output: {
        format: 'iife',
        codeSplitting: false,
        entryFileNames: 'viewer.js',
        assetFileNames: 'viewer[extname]',
      },
    },
  },
});
