// Submits more than the daemon takes, and obeys when it says to come again later. Usage:
// node full_queue.mjs [TARGET [COUNT]]
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, status } from '@weft/client';

const COUNT = Number(process.argv[3] ?? 1000);

// attempts: 1: this example decides itself what to do; by itself a Client tries four times.
const client = new Client(process.argv[2] ?? '127.0.0.1:7411', { retry: { attempts: 1 } });
try {
  const taskIds = [];
  let waits = 0;
  while (taskIds.length < COUNT) {
    try {
      const { taskId } = await client.submit({ handler: 'spin', payload: '5ms' });
      taskIds.push(taskId);
    } catch (error) {
      if (error.code !== status.RESOURCE_EXHAUSTED || error.retryAfterMs === null) throw error;
      if (waits === 0) {
        console.log(`${error.reason}: ${error.quota[0].bound} is reached, ` +
          `again in ${error.retryAfterMs.toFixed(1)} ms`);
      }
      waits += 1;
      await sleep(error.retryAfterMs);
    }
  }
  let succeeded = 0;
  for (const taskId of taskIds) succeeded += (await client.wait(taskId)).success ? 1 : 0;
  console.log(`${succeeded} of ${COUNT} tasks succeeded; the queue was full: ${waits > 0}`);
} finally {
  client.close();
}
