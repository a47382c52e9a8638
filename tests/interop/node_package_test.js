'use strict';
// Proves that the examples and the README of client/node run as they stand, that the package can be
// packed and used elsewhere, and that its declarations say what it is. Arguments are those of
// node_cases.main.
const assert = require('assert/strict');
const childProcess = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const util = require('util');

const { PACKAGE, daemonCases, main, plainCases } = require('./node_cases');
const { PATIENCE_MS, ROOT } = require('./node_daemon');

const execFile = util.promisify(childProcess.execFile);
const SHA256_OF_HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const GOOGLE = process.env.WEFT_GOOGLE_PROTO_ROOT ||
  path.join(ROOT, 'deploy/tools/node_modules/google-proto-files');

async function outputOf(command, args, options = {}) {
  const { stdout, stderr } = await execFile(command, args, {
    timeout: 2 * PATIENCE_MS, ...options,
  });
  assert.equal(stderr, '');
  return stdout;
}

function example({ daemon }, name, ...args) {
  const file = path.join(PACKAGE, 'examples', name);
  return outputOf(process.execPath, [file, daemon.address, ...args]);
}

/** Runs with a temporary folder, which is removed at the end. */
async function inFolder(run) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-node-'));
  try {
    await run(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The fields of each interface in index.d.ts, by its name. */
function declaredInterfaces() {
  const ts = require(path.join(PACKAGE, 'node_modules/typescript'));
  const file = path.join(PACKAGE, 'index.d.ts');
  const source = ts.createSourceFile(file, fs.readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022);
  const interfaces = source.statements.filter(ts.isInterfaceDeclaration);
  return new Map(interfaces.map((each) => [each.name.text, each.members
    .filter((member) => member.name).map((member) => member.name.text)]));
}

/** The text of each string literal type in index.d.ts, by the name of the alias. */
function declaredEnums() {
  const ts = require(path.join(PACKAGE, 'node_modules/typescript'));
  const file = path.join(PACKAGE, 'index.d.ts');
  const source = ts.createSourceFile(file, fs.readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022);
  const aliases = source.statements.filter((each) =>
    ts.isTypeAliasDeclaration(each) && ts.isUnionTypeNode(each.type) &&
    each.type.types.every((type) => ts.isLiteralTypeNode(type)));
  return new Map(aliases.map((each) =>
    [each.name.text, each.type.types.map((type) => type.literal.text)]));
}

/** All types of proto/weft/v1 by short name. */
function protoTypes() {
  const loader = require(path.join(PACKAGE, 'node_modules/@grpc/proto-loader'));
  const definition = loader.loadSync(
    ['weft/v1/task_service.proto', 'weft/v1/admin_service.proto'],
    { includeDirs: [path.join(ROOT, 'proto'), path.join(PACKAGE, 'proto')] });
  const ours = Object.entries(definition).filter(([name]) => name.startsWith('weft.v1.'));
  return new Map(ours.map(([name, { type }]) => [name.replace('weft.v1.', ''), type]));
}

daemonCases('NodeExamples', [], {
  'run task': async (fixture) => {
    const output = await example(fixture, 'run_task.mjs');
    assert.ok(output.startsWith(`${SHA256_OF_HELLO}\n`), output);
    assert.match(output, /TASK_STATE_FAILED: on purpose/);
    assert.match(output, /did you mean "sha256"\?/);
    assert.match(output, /given up: TimeoutError/);
  },

  batch: async (fixture) => {
    const lines = (await example(fixture, 'batch.mjs')).trimEnd().split('\n');
    assert.match(lines.slice(0, 3).join(), /^one: [0-9a-f]{8},two: \w{8},three: \w{8}$/);
    assert.match(lines[3], /did you mean "crc32c"\?/);
    assert.equal(lines[4], '3 tasks have the label');
  },

  watch: async (fixture) => {
    const lines = (await example(fixture, 'watch.mjs')).trimEnd().split('\n');
    assert.deepEqual(lines.filter((line) => line.startsWith('TASK_EVENT_KIND_ENDED')),
      [0, 1, 2].map((number) => `TASK_EVENT_KIND_ENDED task ${number} TASK_STATE_SUCCEEDED`));
    assert.equal(lines.at(-1), '0 events missed');
  },

  stream: async (fixture) => {
    assert.equal(await example(fixture, 'stream.mjs'),
      '10000 of 10000 digests are right, 0 tasks were refused\n');
  },

  columns: async (fixture) => {
    assert.equal(await example(fixture, 'columns.mjs'),
      '100000 of 100000 outputs are right, 0 tasks did not succeed\n');
  },

  'the code of the readme': async ({ daemon }) => inFolder(async (folder) => {
    const readme = fs.readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');
    const [, code] = readme.match(/```js\n(.*?)```/s);
    fs.mkdirSync(path.join(folder, 'node_modules/@weft'), { recursive: true });
    fs.symlinkSync(PACKAGE, path.join(folder, 'node_modules/@weft/client'));
    const script = path.join(folder, 'readme.mjs');
    fs.writeFileSync(script, code.replace('127.0.0.1:7411', daemon.address));
    const lines = (await outputOf(process.execPath, [script])).trimEnd().split('\n');
    assert.ok(lines[0].startsWith(SHA256_OF_HELLO), lines[0]);
    assert.equal(lines[1], 'true');
    assert.equal(lines.length, 1002);
  }),

  'the package works where it was unpacked': async ({ daemon }) => inFolder(async (folder) => {
    await outputOf('tar', ['-xzf', await pack(folder), '-C', folder]);
    const packed = path.join(folder, 'package');
    fs.symlinkSync(path.join(PACKAGE, 'node_modules'), path.join(packed, 'node_modules'));
    const output = await outputOf(process.execPath,
      [path.join(packed, 'examples/run_task.mjs'), daemon.address], { cwd: folder });
    assert.ok(output.startsWith(SHA256_OF_HELLO), output);
  }),
});

daemonCases('NodeExampleFull', ['executor.max_queue_depth=10'], {
  'full queue': async (fixture) => {
    const output = await example(fixture, 'full_queue.mjs', '100');
    assert.match(output, /^QUEUE_FULL: executor\.max_queue_depth .* is reached, again in /);
    assert.match(output, /100 of 100 tasks succeeded; the queue was full: true/);
  },
});

/** Packs a copy, because packing writes into the folder. Answers with the file. */
async function pack(folder) {
  const copy = path.join(folder, 'tree/client/node');
  const isOurs = (source) => !source.includes(`${PACKAGE}/node_modules`);
  fs.cpSync(PACKAGE, copy, { recursive: true, filter: isOurs });
  fs.cpSync(path.join(ROOT, 'proto'), path.join(folder, 'tree/proto'), { recursive: true });
  const environment = { ...process.env, npm_config_cache: folder, npm_config_offline: 'true' };
  await execFile('npm', ['pack', '--silent', '--pack-destination', folder],
    { cwd: copy, env: environment, timeout: 2 * PATIENCE_MS });
  assert.ok(!fs.existsSync(path.join(copy, 'proto/weft')), 'packing left protos behind');
  const [file] = fs.readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  return path.join(folder, file);
}

plainCases('NodeDeclarations', {
  'agree with the messages and enums of the proto files': async () => {
    const types = protoTypes();
    const interfaces = declaredInterfaces();
    const checked = new Set();
    for (const [name, fields] of interfaces) {
      const type = types.get(name);
      if (!type) continue;
      // A oneof is told by the name of what it holds, as a field of its own; one that begins with
      // an underscore only says that a field may be absent.
      const oneofs = type.oneofDecl.map((oneof) => oneof.name)
        .filter((oneof) => !oneof.startsWith('_'));
      assert.deepEqual([...fields].sort(),
        [...type.field.map((field) => field.name), ...oneofs].sort(), name);
      checked.add(name);
    }
    // What the helper itself takes apart needs no declaration.
    const hidden = /(Request|Row|Columns)$|^(Submit|Stream)TasksResponse$|^WatchTasksResponse$/;
    const unwrapped = ['RunTaskResponse', 'WaitTaskResponse', 'ListTasksResponse',
      'ListCoresResponse', 'SetBudgetResponse', 'ListHandlersResponse', 'PauseHandlerResponse',
      'ResumeHandlerResponse', 'DrainServerResponse'];
    const enums = declaredEnums();
    for (const [name, type] of types) {
      if (type === undefined || name.includes('Service')) continue;
      if (type.value) {
        assert.deepEqual(enums.get(name), type.value.map((value) => value.name), name);
      } else if (!hidden.test(name) && !unwrapped.includes(name)) {
        assert.ok(checked.has(name), `index.d.ts has no interface ${name}`);
      }
    }
  },

  'agree with what is exported': async () => {
    const { Client } = require(PACKAGE);
    const { Admin } = require(path.join(PACKAGE, 'lib/admin.js'));
    const text = fs.readFileSync(path.join(PACKAGE, 'index.d.ts'), 'utf8');
    for (const name of Object.keys(require(PACKAGE))) {
      assert.match(text, new RegExp(`export .*\\b${name}\\b`), name);
    }
    for (const kind of [Client, Admin]) {
      const methods = Object.getOwnPropertyNames(kind.prototype)
        .filter((name) => !['constructor', 'call'].includes(name));
      for (const name of methods) assert.match(text, new RegExp(`^  ${name}\\(`, 'm'), name);
    }
  },

  'compile under strict rules with a program that uses them': async () => {
    const tsc = path.join(PACKAGE, 'node_modules/typescript/bin/tsc');
    const program = path.join(__dirname, 'node_types.mts');
    // The compiler's own libraries are left out, which take most of its time.
    await execFile(process.execPath, [tsc, '--noEmit', '--strict', '--skipDefaultLibCheck',
      '--target', 'es2022', '--module', 'nodenext', '--types', 'node', '--typeRoots',
      path.join(PACKAGE, 'node_modules/@types'), program])
      .catch((error) => assert.fail(error.stdout || error.message));
  },

  'the google protos are those of google': async () => {
    for (const name of ['google/rpc/status.proto', 'google/rpc/error_details.proto']) {
      assert.equal(fs.readFileSync(path.join(PACKAGE, 'proto', name), 'utf8'),
        fs.readFileSync(path.join(GOOGLE, name), 'utf8'), name);
    }
  },
});

main();
