// Compiled, never run: what a user in TypeScript may write, and what the compiler must refuse.
import {
  Client, WeftError, hasEnded, status, type StreamRow, type TaskResult, type TaskSpec,
} from '../../client/node/index.js';

const client = new Client('127.0.0.1:7411', { retry: { attempts: 2 }, timeoutMs: 5 });

export async function tour(): Promise<void> {
  const spec: TaskSpec = { handler: 'echo', payload: Buffer.from('x'), clientTag: 7n };
  const result: TaskResult = await client.run(spec, { signal: AbortSignal.timeout(1) });
  const nanoseconds: bigint = BigInt(result.totalLatencyNs);
  console.log(nanoseconds, result.error?.code === 'TASK_ERROR_CODE_HANDLER_FAILED');
  for (const answer of await client.submitMany([spec])) {
    if (answer instanceof WeftError) console.log(answer.quota[0]?.bound);
    else console.log(hasEnded(await client.wait(answer.taskId, { waitMs: 10 })));
  }
  for await (const row of client.stream([spec], { window: 4 })) show(row);
  for await (const task of client.list({ states: ['TASK_STATE_QUEUED'] })) console.log(task.labels);
  const watch = await client.watch({ handler: 'echo' });
  for await (const event of watch) console.log(event.task.result.state, watch.missed);
  for await (const { all } of client.admin.watchStats({ intervalMs: 100 })) console.log(all?.name);
  await client.admin.setBudget({ polls: 8, core: 1 });
  const stream = client.openStream();
  await stream.send(spec);
  stream.finish();
  const submitter = client.openSubmitter({ window: 64 });
  console.log((await submitter.run(spec)).output.length);
  submitter.close();

  // @ts-expect-error a handler must be named
  await client.run({ payload: 'x' });
  // @ts-expect-error not an enumerator
  await client.run({ handler: 'noop', priority: 'HIGH' });
  // @ts-expect-error a string of 64 bits is not a number
  const wrong: number = result.taskId;
  // @ts-expect-error neither polls nor microseconds
  await client.admin.setBudget({ core: 1 });
  console.log(wrong);
}

function show(row: StreamRow): void {
  if (row.error) console.log(row.error.code === status.RESOURCE_EXHAUSTED, row.tag);
  else console.log(row.result.output.length);
}
