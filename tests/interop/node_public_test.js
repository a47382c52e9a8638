'use strict';
// Proves that the public protocols of the daemon (health, reflection) serve bare grpc-js.
// Arguments are those of node_cases.main.
const assert = require('assert/strict');
const path = require('path');

const { PACKAGE, daemonCases, main } = require('./node_cases');
const { PATIENCE_MS, ROOT } = require('./node_daemon');

function dependency(name) {
  return require(path.join(PACKAGE, 'node_modules', name));
}

const deadline = () => ({ deadline: Date.now() + PATIENCE_MS });

/** Runs with a stub of a service of proto/. */
async function withStub(daemon, file, find, run) {
  const grpc = dependency('@grpc/grpc-js');
  const definition = dependency('@grpc/proto-loader').loadSync(file, {
    includeDirs: [path.join(ROOT, 'proto')], enums: String, defaults: true, oneofs: true,
  });
  const Stub = find(grpc.loadPackageDefinition(definition).grpc);
  const stub = new Stub(daemon.address, grpc.credentials.createInsecure());
  try {
    await run(stub);
  } finally {
    stub.close();
  }
}

function withHealth(daemon, run) {
  return withStub(daemon, 'grpc/health/v1/health.proto', ({ health }) => health.v1.Health, run);
}

daemonCases('NodePublic', [], {
  'health knows its services and no other': async ({ daemon }) => withHealth(daemon,
    async (stub) => {
      const check = (service) => new Promise((resolve, reject) => {
        stub.Check({ service }, deadline(), (error, answer) =>
          (error ? reject(error) : resolve(answer.status)));
      });
      assert.equal(await check(''), 'SERVING');
      assert.equal(await check('weft.v1.TaskService'), 'SERVING');
      await assert.rejects(check('nobody'), { code: 5 });
    }),

  'health watch tells of the drain': async (fixture) => withHealth(fixture.daemon,
    async (stub) => {
      const { client, daemon } = fixture;
      const { taskId } = await client.submit({ handler: 'sleep', payload: '1s' });
      const watch = stub.Watch({ service: '' }, deadline());
      const told = watch[Symbol.asyncIterator]();
      assert.equal((await told.next()).value.status, 'SERVING');
      await client.admin.drain();
      fixture.isDrained = true;
      assert.equal((await told.next()).value.status, 'NOT_SERVING');
      assert.ok((await client.wait(taskId)).success, daemon.log());
      watch.on('error', () => {});
      watch.cancel();
    }),

  'reflection lists the services and their files': async ({ daemon }) => withStub(daemon,
    'grpc/reflection/v1alpha/reflection.proto',
    ({ reflection }) => reflection.v1alpha.ServerReflection, async (stub) => {
      const call = stub.ServerReflectionInfo(deadline());
      call.write({ listServices: '*' });
      call.end({ fileContainingSymbol: 'weft.v1.AdminService' });
      const answers = [];
      for await (const answer of call) answers.push(answer);
      const listed = answers[0].listServicesResponse.service.map(({ name }) => name);
      for (const name of ['weft.v1.TaskService', 'weft.v1.AdminService', 'grpc.health.v1.Health']) {
        assert.ok(listed.includes(name), name);
      }
      const files = answers[1].fileDescriptorResponse.fileDescriptorProto;
      assert.ok(files.some((file) => file.includes('weft/v1/admin_service.proto')));
    }),
});

main();
