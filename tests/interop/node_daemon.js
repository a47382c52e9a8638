'use strict';
// A real weftd for a test in JavaScript, as weft_daemon.py starts one: free addresses, a temporary
// folder of its own, one core unless told otherwise.
const childProcess = require('child_process');
const events = require('events');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { setTimeout: sleep } = require('timers/promises');

const ROOT = path.join(__dirname, '../..');
const WEFTD = process.env.WEFTD || path.join(ROOT, 'build/dev/bin/weftd');
const PATIENCE_MS = 30_000;

class Daemon {
  /** What it is started with: settings, or the text of its configuration file. */
  constructor(settings = []) {
    this.settings = ['executor.worker_threads=1', ...(Array.isArray(settings) ? settings : [])];
    this.config = settings.config;
  }

  async start() {
    // 0700, which the daemon demands of the folder of its socket.
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-interop-'));
    this.logPath = path.join(this.folder, 'log');
    this.socket = path.join(this.folder, 'weftd.sock');
    const settings = ['rpc.listen=["127.0.0.1:0"]', 'web.listen=""',
      `rpc.unix_socket="${this.socket}"`, ...this.settings];
    const command = settings.flatMap((each) => ['--set', each]);
    this.configPath = path.join(this.folder, 'weftd.toml');
    if (this.config !== undefined) {
      this.writeConfig(this.config);
      command.push('--config', this.configPath);
    }
    const log = fs.openSync(this.logPath, 'w');
    this.process = childProcess.spawn(WEFTD, command, { stdio: ['ignore', log, log] });
    fs.closeSync(log);
    // Listened for from the start, so that an early end is not missed.
    this.ended = events.once(this.process, 'exit').then(([code]) => code);
    await this.ready();
    [, this.address] = this.log().match(/listening rpc=(127\S+)/);
  }

  /** For the next start or reload. */
  writeConfig(text) {
    fs.writeFileSync(this.configPath, text);
  }

  log() {
    return fs.readFileSync(this.logPath, 'utf8');
  }

  async ready() {
    const until = Date.now() + PATIENCE_MS;
    while (!this.log().includes(' ready in ')) {
      if (this.process.exitCode !== null || Date.now() > until) {
        const log = this.log();
        this.remove();
        throw new Error(`weftd did not become ready:\n${log}`);
      }
      await sleep(5);
    }
  }

  /** SIGTERM, unless it drains already. Answers with the exit code and the last line's counts. */
  async stop(isDraining = false) {
    try {
      if (!isDraining) this.process.kill('SIGTERM');
      const code = await Promise.race([this.ended, sleep(PATIENCE_MS, 'late', { ref: false })]);
      const last = this.log().trimEnd().split('\n').pop();
      const counts = [...last.matchAll(/(\w+)=(\d+)/g)].map(([, key, value]) => [key, +value]);
      return { code, counts: Object.fromEntries(counts) };
    } finally {
      this.remove();
    }
  }

  remove() {
    if (this.process.exitCode === null) this.process.kill('SIGKILL');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { Daemon, PATIENCE_MS, ROOT };
