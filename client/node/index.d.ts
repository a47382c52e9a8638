// A client of weft, the task server for microsecond work. Messages are those of proto/weft/v1,
// whose comments say what each field means, with names in camel case.

/// <reference types="node" />
import type { ChannelOptions } from '@grpc/grpc-js';

export { status } from '@grpc/grpc-js';

/**
 * A number of 64 bits in an answer: a decimal string, as in protobuf's JSON, because a JavaScript
 * number cannot hold it and JSON cannot hold a BigInt. BigInt(text) counts with it.
 */
export type Int64 = string;
/** A number of 64 bits in a request. */
export type Int64Like = string | bigint | number;

export type Priority =
  'PRIORITY_UNSPECIFIED' | 'PRIORITY_HIGH' | 'PRIORITY_NORMAL' | 'PRIORITY_LOW';
export type TaskState =
  'TASK_STATE_UNSPECIFIED' | 'TASK_STATE_QUEUED' | 'TASK_STATE_RUNNING' | 'TASK_STATE_SUSPENDED' |
  'TASK_STATE_SUCCEEDED' | 'TASK_STATE_FAILED' | 'TASK_STATE_CANCELLED' | 'TASK_STATE_EXPIRED';
export type TaskErrorCode =
  'TASK_ERROR_CODE_UNSPECIFIED' | 'TASK_ERROR_CODE_HANDLER_FAILED' |
  'TASK_ERROR_CODE_HANDLER_EXCEPTION' | 'TASK_ERROR_CODE_INVALID_PAYLOAD' |
  'TASK_ERROR_CODE_OUTPUT_TOO_LARGE' | 'TASK_ERROR_CODE_DEADLINE_EXCEEDED' |
  'TASK_ERROR_CODE_CANCELLED_BY_CLIENT' | 'TASK_ERROR_CODE_CLIENT_DISCONNECTED' |
  'TASK_ERROR_CODE_SHUTTING_DOWN' | 'TASK_ERROR_CODE_NO_THREAD' | 'TASK_ERROR_CODE_NOT_SUPPORTED';
export type CancelOutcome =
  'CANCEL_OUTCOME_UNSPECIFIED' | 'CANCEL_OUTCOME_CANCELLED_QUEUED' |
  'CANCEL_OUTCOME_REQUESTED_RUNNING' | 'CANCEL_OUTCOME_ALREADY_ENDED';
export type TaskEventKind =
  'TASK_EVENT_KIND_UNSPECIFIED' | 'TASK_EVENT_KIND_ACCEPTED' | 'TASK_EVENT_KIND_ENDED';

/** What to run. A field that is not one of these is a TypeError. */
export interface TaskSpec {
  handler: string;
  /** A string is sent as UTF-8. */
  payload?: string | Uint8Array | ArrayBuffer;
  priority?: Priority;
  timeoutNs?: Int64Like;
  core?: number;
  clientTag?: Int64Like;
  affinityKey?: string;
  /** Of its file operations; left out: as priority. */
  ioPriority?: Priority;
  labels?: Record<string, string>;
}

/** Which tasks are meant: those for which every part that is given holds. */
export interface TaskFilter {
  states?: Iterable<TaskState>;
  handler?: string;
  core?: number;
  labels?: Record<string, string>;
}

export interface TaskError {
  code: TaskErrorCode;
  message: string;
}

export interface TaskResult {
  taskId: Int64;
  clientTag: Int64;
  state: TaskState;
  success: boolean;
  output: Buffer;
  error: TaskError | null;
  submittedAtNs: Int64;
  startedAtNs: Int64;
  completedAtNs: Int64;
  queueLatencyNs: Int64;
  executionLatencyNs: Int64;
  suspendedNs: Int64;
  totalLatencyNs: Int64;
  core: number;
  priority: Priority;
  attempts: number;
  /** Only of a task that ran far longer than usual: at most so long it had no CPU. */
  offCoreNs?: Int64;
}

export interface TaskSummary {
  result: TaskResult;
  handler: string;
  labels: Record<string, string>;
}

export interface SubmitTaskResponse {
  taskId: Int64;
  submittedAtNs: Int64;
  core: number;
}

export interface GetTaskResponse {
  result: TaskResult;
  handler: string;
  labels: Record<string, string>;
}

export interface CancelTaskResponse {
  outcome: CancelOutcome;
  state: TaskState;
}

export interface TaskEvent {
  kind: TaskEventKind;
  task: TaskSummary;
}

export interface ExecutorStats {
  tasksExecuted: Int64;
  tasksFailed: Int64;
  totalExecutionTimeNs: Int64;
  minLatencyNs: Int64;
  maxLatencyNs: Int64;
  avgLatencyNs: Int64;
}

export type CoreState =
  | 'CORE_STATE_UNSPECIFIED'
  | 'CORE_STATE_ACTIVE'
  | 'CORE_STATE_DRAINING'
  | 'CORE_STATE_PARKED';

export interface CoreStats {
  core: number;
  queuedHigh: number;
  queuedNormal: number;
  queuedLow: number;
  started: number;
  tasksExecuted: Int64;
  stackWaits: Int64;
  sleeps: Int64;
  wakes: Int64;
  stalls: Int64;
  held: number;
  package: number;
  numaNode: number;
  state: CoreState;
}

export interface BlockingThread {
  thread: number;
  runningHandler: string;
  runningForNs: Int64;
}

export interface BlockingPool {
  /** Its `core` is 4294967295, as is that of a task's result that ran there. */
  stats: CoreStats;
  threads: number;
  threadsMax: number;
  maxQueueDepth: number;
  busy: BlockingThread[];
  refused: Int64;
  threadsRefused: Int64;
}

export interface HandlerStats {
  name: string;
  tasksExecuted: Int64;
  tasksFailed: Int64;
  queueP50Ns: Int64;
  queueP99Ns: Int64;
  executionP50Ns: Int64;
  executionP99Ns: Int64;
  paused: boolean;
  demoted: boolean;
}

export interface RefusalCount {
  reason: string;
  count: Int64;
}

export interface IoStats {
  backend: string;
  fallbackReason: string;
  operations: Int64;
  failed: Int64;
  inFlight: Int64;
}

export interface TaskCounts {
  accepted: Int64;
  succeeded: Int64;
  failed: Int64;
  cancelled: Int64;
  expired: Int64;
  inFlight: Int64;
  refused: Int64;
}

export interface GetStatsResponse {
  lifetime: ExecutorStats;
  last_10s: ExecutorStats;
  activeWorkers: number;
  targetLatencyNs: Int64;
  meetingLatencyTarget: boolean;
  tasks: TaskCounts;
  cores: CoreStats[];
  resultsKept: Int64;
  resultsKeptBytes: Int64;
  waiters: Int64;
  promiseViolations: Int64;
  readyAtNs: Int64;
  version: string;
  draining: boolean;
  maxQueueDepth: number;
  handlers: HandlerStats[];
  refusals: RefusalCount[];
  io: IoStats | null;
  blocking: BlockingPool | null;
  activeCores: number;
  executorKind: string;
}

export interface WatchStatsResponse {
  stats: GetStatsResponse;
  intervalNs: Int64;
  handlers: HandlerStats[];
  all: HandlerStats | null;
}

export interface Budget {
  polls?: number;
  microseconds?: number;
  limit?: 'polls' | 'microseconds';
}

export interface CoreInfo {
  stats: CoreStats;
  numaNode: number;
  package: number;
  budget: Budget;
  idle: string;
  spinBudgetNs: Int64;
  runningHandler: string;
  runningForNs: Int64;
  realtime: boolean;
  lockedBytes: Int64;
  executorKind: string;
}

export interface HandlerInfo {
  name: string;
  help: string;
  neverSuspends: boolean;
  paused: boolean;
  blocking: boolean;
  demoted: boolean;
}

export interface ConfigChange {
  key: string;
  oldValue: string;
  newValue: string;
}

export interface ReloadConfigResponse {
  applied: ConfigChange[];
  needsRestart: ConfigChange[];
  warnings: string[];
}

export interface FieldViolation {
  /** Such as "spec.handler". */
  field: string;
  description: string;
}

export interface QuotaViolation {
  /** Such as "executor.max_queue_depth". */
  bound: string;
  description: string;
}

/**
 * A call without an answer, or a row without a result. UNAVAILABLE and RESOURCE_EXHAUSTED with a
 * reason are refusals: nothing of the task was kept.
 */
export class WeftError extends Error {
  /** The gRPC code: one of `status`. */
  readonly code: number;
  /** Such as "RESOURCE_EXHAUSTED". */
  readonly codeName: string;
  /** One sentence for a person; message has the code and the reason before it. */
  readonly description: string;
  /** What the daemon calls it, such as "QUEUE_FULL"; empty when the daemon did not decide. */
  readonly reason: string;
  readonly metadata: Record<string, string>;
  /** Of INVALID_ARGUMENT: which fields. */
  readonly fieldViolations: FieldViolation[];
  /** Of RESOURCE_EXHAUSTED: which bounds. */
  readonly quota: QuotaViolation[];
  /** Milliseconds after which trying again can help; null: it does not. */
  readonly retryAfterMs: number | null;
}

/** Whether the task succeeded, failed, was cancelled or expired. */
export function hasEnded(result: TaskResult): boolean;

/**
 * How calls are tried again. A refusal that came with a time kept nothing of the task and is always
 * safe to try again, no sooner than that. A connection that broke says nothing about what the
 * daemon did, so it is tried again only for calls that may be repeated.
 */
export interface RetryOptions {
  /** Tries of one call, the first included; 1 switches trying again off. Default 4. */
  attempts?: number;
  /** Before the second try when the daemon gave no time; doubles with each try. Default 10. */
  initialBackoffMs?: number;
  /** Default 1000. */
  maxBackoffMs?: number;
  /**
   * Also run, submit, submitMany, cancel and what changes the daemon when the connection broke: a
   * task may then run twice. Default false.
   */
  brokenCalls?: boolean;
}

export interface ClientOptions {
  /** Deadline of every call that names none, all its tries together. Default 30000. */
  timeoutMs?: number;
  retry?: RetryOptions;
  /** Folder that has weft/v1; by default WEFT_PROTO_PATH, then where this package finds it. */
  protoPath?: string;
  /** Handed on to grpc-js. */
  channelOptions?: ChannelOptions;
}

export interface CallOptions {
  /** Of the call with all its tries; of a stream or watch as a whole, which have no end without. */
  timeoutMs?: number;
  /** Aborting it cancels the call, which then rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface StreamOptions extends CallOptions {
  /** Rows sent and not yet taken, at most. Default 512. */
  window?: number;
}

/** The answer to the spec with this clientTag: either a result or why it was refused. */
export type StreamRow =
  | { tag: Int64; result: TaskResult; error: null }
  | { tag: Int64; result: null; error: WeftError };

/**
 * Specs in with send, answers out by iterating, in the order in which tasks end. Iterating ends
 * when finish was called and every answer was taken, and throws when the call breaks: rows that are
 * outstanding then have no answer. Leaving a loop over it closes it.
 */
export interface TaskStream extends AsyncIterableIterator<StreamRow> {
  readonly window: number;
  /** Rows sent and not yet taken. */
  readonly outstanding: number;
  /** Resolves when the row is within the window, so somebody has to take answers meanwhile. */
  send(spec: TaskSpec): Promise<void>;
  /** Nothing more is sent; what was sent is finished and answered. */
  finish(): void;
  /** Breaks the call; the daemon cancels what it has not answered. */
  close(): void;
}

/** Iterates until close is called, the loop is left or the call breaks, which throws. */
export interface Watch<Item> extends AsyncIterableIterator<Item> {
  close(): void;
}

export interface TaskWatch extends Watch<TaskEvent> {
  /** Events that were lost because they were not taken fast enough. */
  readonly missed: number;
}

/** AdminService. */
export interface Admin {
  /** What the executors did, what became of the tasks, and the fill of every bound. */
  stats(options?: CallOptions): Promise<GetStatsResponse>;
  /** stats again and again, with what the handlers did in between; the first at once. */
  watchStats(options?: CallOptions & { intervalMs?: number }): Watch<WatchStatsResponse>;
  /** The handlers a task may name. */
  handlers(options?: CallOptions): Promise<HandlerInfo[]>;
  /** The cores: where they are, what they do now, their budgets. */
  cores(options?: CallOptions): Promise<CoreInfo[]>;
  /** How much a core, or each core, runs in one turn. Answers with the cores that have it now. */
  setBudget(
    budget: { core?: number } & ({ polls: number } | { microseconds: number }),
    options?: CallOptions,
  ): Promise<number[]>;
  /** Refuses the handler's tasks and holds the queued ones. False when it was paused before. */
  pause(handler: string, options?: CallOptions): Promise<boolean>;
  /** Takes back pause, and a demotion. False when it was neither paused nor demoted. */
  resume(handler: string, options?: CallOptions): Promise<boolean>;
  /** Reads the configuration again, all of it or nothing. */
  reload(options?: CallOptions): Promise<ReloadConfigResponse>;
  /** Ends the daemon as SIGTERM does. Answers with the number of tasks in flight. */
  drain(options?: CallOptions): Promise<Int64>;
}

/**
 * Takes single tasks and sends those that come while a message is on its way together in the next
 * one, so that they travel as batches do. When the call breaks, what is not answered rejects with
 * that error, and the next task begins another.
 */
export interface Submitter {
  /** The task's result, as Client.run would give it. Waits while the window is full. */
  run(spec: TaskSpec): Promise<TaskResult>;
  /** Breaks the call; the daemon cancels what it has not answered. */
  close(): void;
}

/**
 * Speaks to one daemon. Calls reject with WeftError, or with a signal's reason; what is wrong with
 * the arguments themselves is a TypeError or a RangeError.
 */
export class Client {
  /** @param target "host:port" or "unix:/path"; default "127.0.0.1:7411" */
  constructor(target?: string, options?: ClientOptions);
  readonly admin: Admin;
  /** Ends the connection, which otherwise keeps the process from ending. */
  close(): void;
  /**
   * Runs a task and answers with its result, ended. The call's deadline also bounds the task; when
   * the call ends early the task is cancelled. retainResult: get and wait find it, too.
   */
  run(spec: TaskSpec, options?: CallOptions & { retainResult?: boolean }): Promise<TaskResult>;
  /** Answers as soon as the task is admitted. */
  submit(spec: TaskSpec, options?: CallOptions): Promise<SubmitTaskResponse>;
  /**
   * Submits any number of tasks, in as few calls as they fit in, and answers for each in the order
   * of specs. When a call breaks, each of its rows is answered with that error.
   */
  submitMany(
    specs: Iterable<TaskSpec>, options?: CallOptions,
  ): Promise<Array<SubmitTaskResponse | WeftError>>;
  /**
   * Waits until the task has ended, at most waitMs (by default as long as the daemon allows). A
   * wait that ends first answers with the task as it stands: look at hasEnded(result).
   */
  wait(taskId: Int64Like, options?: CallOptions & { waitMs?: number }): Promise<TaskResult>;
  /** The task as it stands, with its handler and labels. */
  get(taskId: Int64Like, options?: CallOptions): Promise<GetTaskResponse>;
  /** Cancels the task and says what that did. */
  cancel(taskId: Int64Like, options?: CallOptions): Promise<CancelTaskResponse>;
  /** Tasks in flight and those whose result is kept, asked for page by page. */
  list(
    filter?: TaskFilter, options?: CallOptions & { pageSize?: number },
  ): AsyncGenerator<TaskSummary, void, void>;
  /** Tells of tasks as they are accepted and as they end. It has begun when this resolves. */
  watch(filter?: TaskFilter, options?: CallOptions): Promise<TaskWatch>;
  /**
   * Runs any number of tasks over one call and yields the answers in the order in which tasks end;
   * match them by tag. Specs are asked for only as fast as answers are taken. Leaving the loop
   * early cancels what is not yet answered.
   */
  stream(
    specs: Iterable<TaskSpec> | AsyncIterable<TaskSpec>, options?: StreamOptions,
  ): AsyncGenerator<StreamRow, void, void>;
  /** The same with send and next in your own hands. */
  openStream(options?: StreamOptions): TaskStream;
  /** Single tasks, which travel in batches. window: how many are on their way at most, 4,096. */
  openSubmitter(options?: { window?: number }): Submitter;
  /** Whether the daemon takes work: grpc.health.v1. */
  isServing(options?: CallOptions): Promise<boolean>;
}
