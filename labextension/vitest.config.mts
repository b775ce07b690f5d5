import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    setupFiles: ['src/__tests__/setup.ts'],
    include: ['src/__tests__/**/*.test.{ts,tsx}'],
    server: {
      deps: {
        inline: [/@jupyterlab/, /@jupyter\//, /@lumino/, /lib0/, /yjs/, /y-protocols/]
      }
    }
  },
  resolve: {
    alias: [
      {
        find: /^.*\.(svg|png)(\?.*)?$/,
        replacement: new URL('./src/__tests__/stub.ts', import.meta.url).pathname
      }
    ]
  }
});
