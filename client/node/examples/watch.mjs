// Watches the tasks of one handler while some are run. Usage: node watch.mjs [TARGET]
import { Client } from '@weft/client';

const COUNT = 3;

const client = new Client(process.argv[2] ?? '127.0.0.1:7411');
try {
  const watch = await client.watch({ handler: 'echo' }, { timeoutMs: 60_000 });
  // The watch has begun, so nothing that is submitted now is overlooked.
  for (let number = 0; number < COUNT; number += 1) {
    await client.submit({ handler: 'echo', payload: `${number}`, clientTag: number });
  }

  let ended = 0;
  for await (const { kind, task } of watch) {
    console.log(`${kind} task ${task.result.clientTag} ${task.result.state}`);
    ended += kind === 'TASK_EVENT_KIND_ENDED' ? 1 : 0;
    if (ended === COUNT) break;
  }
  console.log(`${watch.missed} events missed`);
} finally {
  client.close();
}
