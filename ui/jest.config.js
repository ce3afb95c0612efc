// Days and months of the tests are the same on every machine.
process.env.TZ = 'UTC';

const base = require('./.config/jest.config');
const [[, swc]] = Object.entries(base.transform);

module.exports = {
  ...base,
  // Grafana's packages bring modules along that end in .mjs.
  transform: { ...base.transform, '^.+\\.mjs$': swc },
  // A test drives whole editors; two cores may be busy with other things.
  testTimeout: 30_000,
};
