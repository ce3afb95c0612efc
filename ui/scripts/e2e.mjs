// Runs the browser tests against the Grafana at GRAFANA_URL, and says so where there is none.
import { spawnSync } from 'node:child_process';

if (!process.env.GRAFANA_URL) {
  console.log('not run: no GRAFANA_URL');
  process.exit(0);
}
const { status } = spawnSync('npx', ['--no-install', 'playwright', 'test', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
