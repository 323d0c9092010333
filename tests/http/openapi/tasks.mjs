// Tasks at the edges of what is allowed: a node and the description have to agree about each.
const label = "x".repeat(256);
const id = "01a201dd-1ea5-7000-8000-3530ffd7c7f1";
const task = (fields) => ({ name: "n", task_type: "noop", scheduled_at: "+1h", ...fields });
const texts = (count, text = "x") => Array(count).fill(text);
const object = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));

// Accepted.
export const newTasks = [
  { name: "n" },
  task({ name: label, description: "x".repeat(4096), subsystem: label, assigned_to: label, tags: texts(64, label), context: { [label]: label } }),
  task({ assigned_to: null, scheduled_at: null, deadline: null, id: null, unique_key: null, unique_for: null, concurrency: null, snapshot: null }),
  task({ context: object(64), tags: [], required_gates: ["g"], on_closed_gate: "wait" }),
  task({ payload: { deep: [1, "two", { three: null }] } }),
  task({ metadata: { a: 1.5 } }),
  ...["critical", "high", "normal", "low", "background", 0, 4].map((priority) => task({ priority })),
  ...["2030-01-02T03:04:05Z", "2030-01-02T03:04:05.123456+01:00", "2030-01-02 03:04:05", "+90s", "+1.5h", "-5m"].map((scheduled_at) => task({ scheduled_at })),
  task({ deadline: "+2h", timeout: 0.25 }),
  task({ timeout: 2_592_000 }),
  ...["1ms", "30s", "5m", "2h", "30d", "12"].map((timeout) => task({ timeout })),
  task({ retry: {} }),
  task({ retry: { max_attempts: 1000, backoff: "exponential", base: 0, max: "30d", jitter: 1 } }),
  task({ depends_on: [id], on_dependency_failure: "run" }),
  task({ resources: { cpu: 1, memory_mb: 4_294_967_295, io: 0.5, exclusive: ["obd2:can0"] } }),
  task({ unique_key: label, unique_for: "1h" }),
  task({ concurrency: { key: "k", limit: 4_294_967_295 } }),
  task({ snapshot: { keys: ["a/"], files: ["/etc/hosts", "x".repeat(4096)] } }),
  task({ origin: { kind: "api", id: "me" } }),
  task({ origin: { id: null } }),
];

// Refused, and by the schema too.
export const wrongTasks = [
  {}, [], "task", null,
  { name: "" }, { name: 5 }, { name: label + "x" }, { name: "n", nmae: "n" },
  ...[
    { description: "x".repeat(4097) }, { description: null }, { task_type: "" }, { task_type: "x".repeat(65) }, { subsystem: "" },
    { subsystem: label + "x" }, { priority: "urgent" }, { priority: 5 }, { priority: -1 }, { priority: 1.5 }, { priority: null },
    { payload: [] }, { payload: null }, { metadata: "x" }, { payload: {}, metadata: {} },
    { tags: "x" }, { tags: [""] }, { tags: [5] }, { tags: texts(65) }, { tags: [label + "x"] }, { assigned_to: label + "x" }, { assigned_to: 5 },
    { context: [] }, { context: { a: 5 } }, { context: { "": "x" } }, { context: object(65) }, { context: { a: label + "x" } },
    { scheduled_at: "tomorrow" }, { scheduled_at: 5 }, { scheduled_at: "2030-01-02" }, { deadline: "" },
    { timeout: "x" }, { timeout: -1 }, { timeout: null }, { timeout: "5 m" }, { timeout: [] },
    { retry: null }, { retry: { max_attempts: 0 } }, { retry: { max_attempts: 1001 } }, { retry: { backoff: "linear" } },
    { retry: { base: -1 } }, { retry: { jitter: 1.1 } }, { retry: { tries: 1 } }, { retry: { max: "soon" } },
    { id: "x" }, { id: 5 }, { required_gates: [""] }, { on_closed_gate: "open" }, { depends_on: ["x"] }, { depends_on: id },
    { depends_on: texts(65, id) }, { on_dependency_failure: "wait" },
    { resources: { cpu: 2 } }, { resources: { memory_mb: -1 } }, { resources: { memory_mb: 1.5 } }, { resources: { io: "x" } },
    { resources: { gpu: 1 } }, { resources: { exclusive: "x" } }, { resources: null },
    { unique_key: label + "x" }, { unique_for: "x" }, { concurrency: {} }, { concurrency: { key: "" } }, { concurrency: { key: "k", limit: 0 } },
    { concurrency: "k" }, { snapshot: { keys: "x" } }, { snapshot: { files: ["x".repeat(4097)] } }, { snapshot: { dirs: [] } },
    { origin: null }, { origin: { kind: "rule" } }, { origin: { kind: "api", id: 5 } }, { status: "completed" }, { timeout: 0 }, { timeout: 2_592_001 },
    { retry: { base: 2_592_001 } }, { id: "01a201dd-1ea5-4000-8000-3530ffd7c7f1" },
  ].map((fields) => task(fields)),
];
