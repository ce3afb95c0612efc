import { defineConfig } from 'eslint/config';
import baseConfig from './.config/eslint.config.mjs';

export default defineConfig([
  {
    // What others write: dependencies, builds, reports, types rendered from Rust.
    ignores: [
      '**/node_modules/',
      '**/dist/',
      '**/coverage',
      '.config/',
      'src/generated/',
      'test-results/',
      'playwright-report/',
      'playwright/',
    ],
  },
  ...baseConfig,
]);
