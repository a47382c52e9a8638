'use strict';
// Proves that every method of the proto files is called here, through the Node.js package and
// through bare grpc-js: the descriptors say which there are, and one without a call fails. A call
// of the package must also have reached the method it stands for. Arguments are those of
// node_cases.main.
const assert = require('assert/strict');
const path = require('path');

const { PACKAGE, daemonCases, main, refusal } = require('./node_cases');
const { PATIENCE_MS, ROOT } = require('./node_daemon');

const LIMIT = { timeoutMs: PATIENCE_MS };

function dependency(name) {
  return require(path.join(PACKAGE, 'node_modules', name));
}

/** The services as a user would load them who knows nothing of the package. */
function definition() {
  return dependency('@grpc/proto-loader').loadSync(
    ['weft/v1/task_service.proto', 'weft/v1/admin_service.proto'],
    { includeDirs: [path.join(ROOT, 'proto'), path.join(PACKAGE, 'proto')] });
}

/** Names of all methods, the one that ends the daemon last. */
function methods() {
  const loaded = definition();
  const names = ['TaskService', 'AdminService'].flatMap((service) =>
    Object.keys(loaded[`weft.v1.${service}`]).map((method) => `${service}.${method}`));
  const last = 'AdminService.DrainServer';
  return [...names.filter((name) => name !== last), last];
}

async function submitted({ client }) {
  return (await client.submit({ handler: 'noop' })).taskId;
}

/** The first of what a watch tells. */
async function first(watch) {
  const { value } = await watch.next();
  watch.close();
  return value;
}

/** By way of the package. */
const PACKAGE_CALLS = {
  RunTask: async ({ client }) => assert.ok((await client.run({ handler: 'noop' })).success),
  SubmitTask: async (fixture) => assert.match(await submitted(fixture), /^[1-9]\d*$/),
  SubmitTasks: async ({ client }) => {
    const answers = await client.submitMany([{ handler: 'noop' }, { handler: 'nope' }]);
    assert.match(answers[0].taskId, /^[1-9]\d*$/);
    assert.equal(answers[1].reason, 'UNKNOWN_HANDLER');
  },
  WaitTask: async (fixture) => {
    assert.ok((await fixture.client.wait(await submitted(fixture))).success);
  },
  GetTask: async (fixture) => {
    assert.equal((await fixture.client.get(await submitted(fixture))).handler, 'noop');
  },
  CancelTask: async (fixture) => {
    const taskId = await submitted(fixture);
    await fixture.client.wait(taskId);
    assert.equal((await fixture.client.cancel(taskId)).outcome, 'CANCEL_OUTCOME_ALREADY_ENDED');
  },
  ListTasks: async (fixture) => {
    const taskId = await submitted(fixture);
    const listed = [];
    for await (const task of fixture.client.list()) listed.push(task.result.taskId);
    assert.ok(listed.includes(taskId));
  },
  WatchTasks: async (fixture) => {
    const watch = await fixture.client.watch({}, LIMIT);
    const taskId = await submitted(fixture);
    assert.equal((await first(watch)).task.result.taskId, taskId);
  },
  StreamTasks: async ({ client }) => {
    const tags = [];
    const specs = [{ handler: 'noop', clientTag: 7 }];
    for await (const row of client.stream(specs, LIMIT)) tags.push(row.tag);
    assert.deepEqual(tags, ['7']);
  },
  GetStats: async ({ client }) => assert.equal((await client.admin.stats()).activeWorkers, 1),
  WatchStats: async ({ client }) => {
    const watch = client.admin.watchStats({ intervalMs: 100, ...LIMIT });
    assert.equal((await watch.next()).value.intervalNs, '0');
    assert.notEqual((await first(watch)).intervalNs, '0');
  },
  ListCores: async ({ client }) => assert.equal((await client.admin.cores()).length, 1),
  SetBudget: async ({ client }) => {
    const cores = (await client.admin.cores()).map((core) => core.stats.core);
    assert.deepEqual(await client.admin.setBudget({ polls: 8 }), cores);
  },
  ListHandlers: async ({ client }) => {
    assert.ok((await client.admin.handlers()).some(({ name }) => name === 'noop'));
  },
  PauseHandler: async ({ client }) => assert.equal(await client.admin.pause('crc32c'), true),
  ResumeHandler: async ({ client }) => assert.equal(await client.admin.resume('sha256'), false),
  ReloadConfig: async ({ client }) => {
    assert.equal((await refusal(client.admin.reload())).codeName, 'FAILED_PRECONDITION');
  },
  DrainServer: async (fixture) => {
    fixture.isDrained = true;
    assert.equal(await fixture.client.admin.drain(), '0');
  },
};

const NOOP = { handler: 'noop' };

async function submittedBare(call) {
  return (await call('TaskService', 'SubmitTask', { spec: NOOP })).taskId;
}

/** By way of bare grpc-js: `call` gives the answer, or the first one of a stream. */
const BARE_CALLS = {
  RunTask: async (call) => {
    assert.ok((await call('TaskService', 'RunTask', { spec: NOOP })).result.success);
  },
  SubmitTask: async (call) => assert.ok((await submittedBare(call)).toNumber() > 0),
  SubmitTasks: async (call) => {
    const specs = [{ ...NOOP, clientTag: 1 }, { handler: 'nope', clientTag: 2 }];
    const { rows } = await call('TaskService', 'SubmitTasks', { specs });
    assert.deepEqual(rows.map((row) => [row.clientTag.toNumber(), 'accepted' in row]),
      [[1, true], [2, false]]);
  },
  WaitTask: async (call) => {
    const taskId = await submittedBare(call);
    assert.ok((await call('TaskService', 'WaitTask', { taskId })).result.success);
  },
  GetTask: async (call) => {
    const taskId = await submittedBare(call);
    assert.equal((await call('TaskService', 'GetTask', { taskId })).handler, 'noop');
  },
  CancelTask: async (call) => {
    const taskId = await submittedBare(call);
    assert.ok((await call('TaskService', 'CancelTask', { taskId })).outcome > 0);
  },
  ListTasks: async (call) => {
    const taskId = await submittedBare(call);
    const { tasks } = await call('TaskService', 'ListTasks', { pageSize: 1000 });
    assert.ok(tasks.some((task) => task.result.taskId.equals(taskId)));
  },
  WatchTasks: async (call) => {
    // Without defaults an empty list is not there.
    assert.equal((await call('TaskService', 'WatchTasks', {})).events, undefined);
  },
  StreamTasks: async (call) => {
    const { rows } = await call('TaskService', 'StreamTasks',
      { specs: [{ ...NOOP, clientTag: 9 }] });
    assert.equal(rows[0].clientTag.toNumber(), 9);
  },
  GetStats: async (call) => {
    assert.equal((await call('AdminService', 'GetStats', {})).activeWorkers, 1);
  },
  WatchStats: async (call) => {
    assert.equal((await call('AdminService', 'WatchStats', {})).stats.activeWorkers, 1);
  },
  ListCores: async (call) => {
    assert.equal((await call('AdminService', 'ListCores', {})).cores.length, 1);
  },
  SetBudget: async (call) => {
    const answer = await call('AdminService', 'SetBudget', { budget: { microseconds: 50 } });
    assert.equal(answer.cores.length, 1);
  },
  ListHandlers: async (call) => {
    assert.ok((await call('AdminService', 'ListHandlers', {})).handlers.length > 0);
  },
  PauseHandler: async (call) => {
    const answer = await call('AdminService', 'PauseHandler', { handler: 'crc32c' });
    assert.equal(answer.changed, true);
  },
  ResumeHandler: async (call) => {
    const answer = await call('AdminService', 'ResumeHandler', { handler: 'sha256' });
    assert.notEqual(answer.changed, true);
  },
  ReloadConfig: async (call) => {
    await assert.rejects(call('AdminService', 'ReloadConfig', {}), { code: 9 });
  },
  DrainServer: async (call, fixture) => {
    fixture.isDrained = true;
    assert.ok(await call('AdminService', 'DrainServer', {}));
  },
};

/** Calls methods with grpc-js alone. */
function bareCaller(target) {
  const grpc = dependency('@grpc/grpc-js');
  const services = grpc.loadPackageDefinition(definition()).weft.v1;
  const credentials = grpc.credentials.createInsecure();
  const stubs = Object.fromEntries(['TaskService', 'AdminService'].map((name) =>
    [name, new services[name](target, credentials)]));
  const call = (service, method, request) => new Promise((resolve, reject) => {
    const stub = stubs[service];
    const { requestStream, responseStream } = stub[method];
    const options = { deadline: Date.now() + PATIENCE_MS };
    if (!responseStream) {
      const done = (error, answer) => (error ? reject(error) : resolve(answer));
      stub[method](request, options, done);
      return;
    }
    const stream = requestStream ? stub[method](options) : stub[method](request, options);
    stream.on('error', reject);
    stream.once('data', (answer) => {
      resolve(answer);
      stream.cancel();
    });
    if (requestStream) stream.end(request);
  });
  return { call, close: () => Object.values(stubs).forEach((stub) => stub.close()) };
}

/** Runs the call for every method, and tells all that failed. */
async function callAll(calls, run) {
  const failures = [];
  for (const name of methods()) {
    try {
      const [, method] = name.split('.');
      assert.ok(calls[method], `nothing calls ${name}`);
      await run(name, calls[method]);
    } catch (error) {
      failures.push(`${name}: ${error.stack}`);
    }
  }
  assert.equal(failures.join('\n'), '');
}

daemonCases('NodeEveryMethod', [], {
  'is called through the package': async (fixture) => {
    const called = [];
    const note = (options, next) => {
      called.push(options.method_definition.path.replace('/weft.v1.', '').replace('/', '.'));
      return new (dependency('@grpc/grpc-js').InterceptingCall)(next(options));
    };
    fixture.connect({ channelOptions: { interceptors: [note] } });
    await callAll(PACKAGE_CALLS, async (name, call) => {
      called.length = 0;
      await call(fixture);
      assert.ok(called.includes(name), `${name} was not reached`);
    });
  },

  'is called through bare grpc js': async (fixture) => {
    const { call, close } = bareCaller(fixture.daemon.address);
    try {
      await callAll(BARE_CALLS, (name, each) => each(call, fixture));
    } finally {
      close();
    }
  },
});

main();
