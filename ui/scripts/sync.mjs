// Copies what the bundler expects below ui/ from the one place where each is kept: the root of the repository.
// The copies are git-ignored. A file that is gone at the root is an error, not an old copy.
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ui = join(dirname(fileURLToPath(import.meta.url)), '..');
const root = join(ui, '..');

const files = [
  ['plugin.json', 'src/plugin.json'],
  ['README.md', 'src/README.md'],
  ['LICENSE', 'LICENSE'],
  ['CHANGELOG.md', 'CHANGELOG.md'],
];

const dashboards = 'provisioning/dashboards';
const copies = 'src/dashboards';

try {
  for (const [from, to] of files) {
    copyFileSync(join(root, from), join(ui, to));
  }
  rmSync(join(ui, copies), { recursive: true, force: true });
  mkdirSync(join(ui, copies), { recursive: true });
  for (const name of readdirSync(join(root, dashboards)).filter((name) => name.endsWith('.json'))) {
    copyFileSync(join(root, dashboards, name), join(ui, copies, name));
  }
} catch (error) {
  console.error(`sync: ${error.message}`);
  process.exit(1);
}
