'use strict';
// Proves that the Node.js package makes the daemon read its configuration again, and tells what is
// wrong with it. Arguments are those of node_cases.main.
const assert = require('assert/strict');

const { daemonCases, main, refusal } = require('./node_cases');

const CONFIG = 'executor.max_queue_depth = 100\nresults.max_age_s = 100\n';

daemonCases('NodeReload', { config: CONFIG }, {
  'applies live keys and names those that need a restart': async ({ client, daemon }) => {
    daemon.writeConfig('executor.max_queue_depth = 200\nresults.max_age_s = 200\n');
    const { applied, needsRestart } = await client.admin.reload();
    assert.deepEqual(applied,
      [{ key: 'results.max_age_s', oldValue: '100', newValue: '200' }]);
    assert.deepEqual(needsRestart.map(({ key }) => key), ['executor.max_queue_depth']);
  },

  'a file with mistakes changes nothing': async ({ client, daemon }) => {
    daemon.writeConfig('results.max_age_s = 0\n');
    const error = await refusal(client.admin.reload());
    assert.equal(error.codeName, 'INVALID_ARGUMENT');
    assert.match(JSON.stringify([error.description, error.fieldViolations]), /results\.max_age_s/);
    daemon.writeConfig(CONFIG);
    assert.deepEqual(await client.admin.reload(), { applied: [], needsRestart: [], warnings: [] });
  },
});

main();
