'use strict';
// What the scripts in JavaScript have in common, as cases.py is for those in Python: cases, and a
// main by which ctest lists them (--list) and runs one ("Group.case").
const assert = require('assert/strict');
const fs = require('fs');
const path = require('path');
const { setTimeout: sleep } = require('timers/promises');

const { Daemon, PATIENCE_MS, ROOT } = require('./node_daemon');

const EXIT_SKIPPED = 77;
const PACKAGE = path.join(ROOT, 'client/node');

const all = [];

/** "runs a task" of group "NodeTasks" is listed as NodeTasks.RunsATask. */
function nameOf(group, sentence) {
  const words = sentence.split(/[^A-Za-z0-9]+/).filter(Boolean);
  return `${group}.${words.map((word) => word[0].toUpperCase() + word.slice(1)).join('')}`;
}

/** Cases that need no daemon. */
function plainCases(group, cases) {
  for (const [sentence, run] of Object.entries(cases)) {
    all.push({ name: nameOf(group, sentence), run });
  }
}

/** What a case with a daemon is given. */
class Fixture {
  constructor(daemon) {
    this.daemon = daemon;
    // Set by a case that has drained, or killed, the daemon itself.
    this.isDrained = false;
    this.isKilled = false;
    this.clients = [];
  }

  connect(options = {}, target = this.daemon.address) {
    const { Client } = require(PACKAGE);
    const client = new Client(target, { timeoutMs: PATIENCE_MS, ...options });
    this.clients.push(client);
    return client;
  }

  get client() {
    return this.clients[0] || this.connect();
  }

  /** Asks again and again; fails when it takes too long. */
  async until(holds, what) {
    const until = Date.now() + PATIENCE_MS;
    while (!await holds()) {
      assert.ok(Date.now() < until, what);
      await sleep(1);
    }
  }

  /** A task that keeps the daemon's one core busy until it is cancelled. */
  async holdTheCore() {
    const { taskId } = await this.client.submit({ handler: 'spin', payload: '60s' });
    await this.until(async () => (await this.client.get(taskId)).result.state ===
      'TASK_STATE_RUNNING', 'it does not run');
    return taskId;
  }

  /** The counts once all that was accepted has ended. */
  async nothingInFlight() {
    const stats = () => this.client.admin.stats();
    await this.until(async () => (await stats()).tasks.inFlight === '0', 'tasks stay in flight');
    return (await stats()).tasks;
  }
}

/** Cases with a daemon each, which must exit 0 at their end and have its counts add up. */
function daemonCases(group, settings, cases) {
  const withDaemon = (run) => async () => {
    const daemon = new Daemon(settings);
    await daemon.start();
    const fixture = new Fixture(daemon);
    try {
      await run(fixture);
    } catch (error) {
      daemon.remove();
      throw error;
    } finally {
      for (const client of fixture.clients) client.close();
    }
    if (fixture.isKilled) {
      daemon.remove();
      return;
    }
    const { code, counts } = await daemon.stop(fixture.isDrained);
    assert.equal(code, 0);
    assert.equal(counts.in_flight, 0);
    assert.equal(counts.accepted,
      counts.succeeded + counts.failed + counts.cancelled + counts.expired);
  };
  const wrapped = Object.entries(cases).map(([sentence, run]) => [sentence, withDaemon(run)]);
  plainCases(group, Object.fromEntries(wrapped));
}

/** Rejects with an error of the package, which is answered. */
async function refusal(promise) {
  const { WeftError } = require(PACKAGE);
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof WeftError, error.stack);
    return error;
  }
  return assert.fail('it was not refused');
}

/** No argument: every case. --list: their names. Otherwise: those named. */
async function main() {
  const names = process.argv.slice(2);
  if (names[0] === '--list') {
    console.log(all.map((each) => each.name).join('\n'));
    return;
  }
  if (!fs.existsSync(path.join(PACKAGE, 'node_modules'))) {
    console.log(`Skipped\nno ${PACKAGE}/node_modules: run deploy/install-deps.sh`);
    process.exit(EXIT_SKIPPED);
  }
  const chosen = all.filter((each) => names.length === 0 || names.includes(each.name));
  assert.ok(chosen.length >= names.length, `there is no such case among ${names}`);
  for (const { name, run } of chosen) {
    try {
      await run();
      console.log(`${name} ... ok`);
    } catch (error) {
      console.log(`${name} ... FAIL\n${error.stack}`);
      process.exitCode = 1;
    }
  }
}

module.exports = { PACKAGE, daemonCases, main, plainCases, refusal };
