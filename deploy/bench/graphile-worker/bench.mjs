// No-op jobs through graphile-worker with its defaults: node bench.mjs <database URL> <how many>
// The last line of the output is JSON: {"rate": jobs a second, "p99": milliseconds from enqueueing to start}.
import { Logger, run, runMigrations } from "graphile-worker";
import pg from "pg";

const [connectionString, count] = [process.argv[2], Number(process.argv[3])];
const logger = new Logger(() => () => {});
const pool = new pg.Pool({ connectionString, max: 10 });
await runMigrations({ pgPool: pool, logger });

let done = 0;
let finished;
let delays = [];
const taskList = {
  noop: async (payload) => {
    if (payload.made) delays.push(performance.timeOrigin + performance.now() - payload.made);
    if (++done === count) finished?.();
  },
};

await pool.query(
  `INSERT INTO graphile_worker._private_tasks (identifier) VALUES ('noop') ON CONFLICT DO NOTHING`);
await pool.query(
  `SELECT count(*) FROM graphile_worker.add_jobs(
     (SELECT array_agg(('noop', '{}', NULL, NULL, NULL, NULL, NULL, NULL)::graphile_worker.job_spec)
      FROM generate_series(1, $1)))`,
  [count]);

const began = performance.now();
const all = new Promise((resolve) => (finished = resolve));
const runner = await run({ pgPool: pool, taskList, logger, noHandleSignals: true });
await all;
const left = async () => Number((await pool.query("SELECT count(*) FROM graphile_worker._private_jobs")).rows[0].count);
while ((await left()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
const rate = count / ((performance.now() - began) / 1000);

for (let number = 0; number < 1000; number++) {
  await pool.query("SELECT graphile_worker.add_job('noop', json_build_object('made', $1::float8))",
    [performance.timeOrigin + performance.now()]);
  await new Promise((resolve) => setTimeout(resolve, 10));
}
await new Promise((resolve) => setTimeout(resolve, 2000));
await runner.stop();
await pool.end();
delays.sort((one, other) => one - other);
console.log(JSON.stringify({ rate, p99: delays[Math.floor(delays.length * 0.99)] }));
