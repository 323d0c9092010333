// Calls every operation of the description with good and bad input, on real nodes, and checks each answer against what
// the description says of its status. Fails when something differs, an operation was not called or a status is not
// described.
//
//   node responses.mjs PACKAGES DOCUMENT OVERWATCH
import { deepStrictEqual } from "node:assert";
import { statfsSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";

import { controlChecks, filled } from "./control.mjs";
import { clusterChecks, shownElsewhere } from "./cluster.mjs";
import { workerChecks } from "./workers.mjs";
import { DescribedApi, methods, send } from "./described_api.mjs";
import { NodeProcess } from "./node_process.mjs";
import { newTasks, wrongTasks } from "./tasks.mjs";

const [packages, documentFile, binary] = process.argv.slice(2);
const api = new DescribedApi(documentFile, packages);
const root = "/api/overwatch";
const json = { "Content-Type": "application/json" };
const nobody = "01a201dd-1ea5-7000-8000-3530ffd7c7f1"; // an id that no task has
const maxBursts = 200; // of submits, until one meets another
const largestMinFreeMb = 1_048_576; // of storage.min-free-mb
const config = `snapshots {
  roots = ["/srv/overwatch"]
}
commands {
  wait {
    argv = ["/bin/sleep", "600"]
  }
  hello {
    argv = ["/bin/echo", "hello"]
  }
}
`;

// Statuses that each operation has to show where it describes them; those that some operation has to show.
const shownByEach = [200, 400, 404, 409, 413, 417, 422, 431];
const shownBySome = [408, 429, 503, 507];

let base = "";

// `values` fill the placeholders, `content` is the JSON body. `valid`: whether the schema of the body allows it;
// unless said otherwise, when it is accepted.
async function call(method, path, { expect = 200, values = [], query = "", content, valid, body, headers } = {}) {
  const entry = api.operation(method, path);
  let next = 0;
  const target = path.replace(/\{\w+\}/g, () => encodeURIComponent(values[next++])) + (query === "" ? "" : "?" + query);
  if (content !== undefined) {
    body = JSON.stringify(content);
    const wrong = api.requestMismatch(entry, content);
    if ((wrong === "") !== (valid ?? expect === 200))
      api.report(entry.name, `the schema ${wrong === "" ? "allows" : "refuses"} ${body.slice(0, 300)} ${wrong}`);
  }
  const answer = await send(base, { method, path: target, body, headers: headers ?? (body === undefined ? {} : json) });
  if (answer.status !== expect)
    api.report(
      entry.name,
      `${target} ${(body ?? "").slice(0, 200)} is answered with ${answer.status}, not ${expect}: ${answer.text.slice(0, 400)}`,
    );
  return { value: api.check(entry, answer), headers: answer.headers };
}

const create = async (content, options) => (await call("POST", root + "/tasks", { content, ...options })).value;
const ended = async (id) => (await call("GET", root + "/tasks/{id}", { values: [id], query: "wait=30" })).value;

async function checkNode() {
  const described = await call("GET", root + "/openapi.json");
  deepStrictEqual(described.value, api.document, "the node serves another description");
  for (const path of ["/", "/metrics"]) await call("GET", path);
  for (const path of [
    "/health",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/status",
    "/stats",
    "/config",
    "/pools",
    "/workers",
  ])
    await call("GET", root + path);
}

async function checkNewTasks() {
  for (const content of newTasks) await create(content);
  for (const content of wrongTasks) await create(content, { expect: 422, valid: false });
  await create({ name: "unknown type", task_type: "no_such_type" }, { expect: 422, valid: true });
  await call("POST", root + "/tasks", { expect: 400, body: "{" });
  await call("POST", root + "/tasks", { expect: 400, body: "" });
  const once = { name: "once", task_type: "noop", unique_key: "k", scheduled_at: "+1h" };
  const first = await create(once);
  const second = await call("POST", root + "/tasks", { content: once });
  if (second.value?.id !== first.id || second.headers["overwatch-existing"] !== "true")
    api.report("POST tasks", "a unique key does not lead to the first task");
}

async function checkBatches() {
  const path = root + "/tasks/batch";
  const two = [
    { name: "a", task_type: "noop" },
    { name: "b", task_type: "noop", priority: 4 },
  ];
  await call("POST", path, { content: two });
  await call("POST", path, { content: [...two, { name: "" }, 5], valid: false });
  await call("POST", path, {
    body: two.map((x) => JSON.stringify(x) + "\n").join("") + "{\n",
    headers: { "Content-Type": "application/x-ndjson" },
  });
  await call("POST", path, { content: [], expect: 422 });
  await call("POST", path, { content: Array(10_001).fill(two[0]), expect: 422 });
  await call("POST", path, { content: 7, expect: 400 });
  await call("POST", path, { body: "[{]", expect: 400 });
}

async function checkLists() {
  const path = root + "/tasks";
  const page = await call("GET", path, { query: "limit=2" });
  const cursor = page.headers["overwatch-next-cursor"];
  await call("GET", path, { query: `limit=1000&cursor=${cursor}` });
  await call("GET", path, {
    query: "status=completed,failed&status=queued&task_type=noop&priority=high,low&tags=x&assigned_to=a&subsystem=core",
  });
  await call("GET", path, {
    query: "context.user_id=u1&origin=api&origin_id=x&created_from=-1h&created_to=2100-01-01T00:00:00Z&q=na",
  });
  for (const query of [
    "limit=0",
    "limit=1001",
    "limit=x",
    "cursor=x",
    "status=x",
    "priority=9",
    "origin=x",
    "created_from=x",
    "created_to=x",
    "context=x",
  ])
    await call("GET", path, { query, expect: 422 });
}

async function checkOneTask() {
  const one = root + "/tasks/{id}";
  const done = await ended((await create({ name: "done", task_type: "noop" })).id);
  if (done.status !== "completed") api.report("GET task", `a task of type noop ended as ${done.status}`);
  const hello = await ended((await create({ name: "hello", payload: { command: "hello" } })).id);
  const failed = await ended((await create({ name: "fails", payload: { command: "no such command" } })).id);
  const later = await create({
    name: "later",
    task_type: "noop",
    scheduled_at: "+1h",
    concurrency: { key: "c" },
    snapshot: { keys: ["a"] },
    unique_for: 2.5,
  });
  const unserved = await create({ name: "unserved", task_type: "obd2_diagnostic" });
  const running = await create({ name: "running", payload: { command: "wait" } });
  for (const task of [done, hello, failed, later, unserved, running]) {
    await call("GET", one, { values: [task.id] });
    await call("GET", one + "/why", { values: [task.id] });
    await call("GET", one + "/logs", { values: [task.id], query: "after=0&limit=1000" });
  }
  if (failed.error === null || hello.result === null)
    api.report("GET task", "no failed task and no result was checked");
  for (const query of ["wait=61", "wait=x"]) await call("GET", one, { values: [done.id], query, expect: 422 });
  for (const query of ["after=-1", "limit=0", "limit=1001"])
    await call("GET", one + "/logs", { values: [done.id], query, expect: 422 });

  await call("DELETE", one, { values: [running.id], expect: 409 });
  await call("POST", one + "/retry", { values: [running.id], expect: 409 });
  await call("POST", one + "/cancel", { values: [running.id], content: { reason: 5 }, expect: 422 });
  await call("POST", one + "/cancel", { values: [running.id], content: { reason: "x".repeat(4097) }, expect: 422 });
  await call("POST", one + "/cancel", { values: [running.id], content: { cause: "x" }, expect: 422 });
  await call("POST", one + "/cancel", { values: [running.id], body: "{", expect: 400 });
  await call("POST", one + "/cancel", { values: [running.id], content: { reason: "enough" } });
  await call("POST", one + "/cancel", { values: [later.id] });
  await call("POST", one + "/cancel", { values: [done.id], expect: 409 });
  await call("POST", one + "/retry", { values: [done.id] });
  await call("DELETE", one, { values: [done.id] });
  for (const id of [nobody, "x", done.id])
    for (const [method, path] of [
      ["GET", one],
      ["DELETE", one],
      ["POST", one + "/cancel"],
      ["POST", one + "/retry"],
      ["GET", one + "/logs"],
      ["GET", one + "/why"],
    ])
      await call(method, path, { values: [id], expect: 404 });
}

async function checkOrchestrator() {
  const submit = "/orchestrator/submit";
  const one = "/orchestrator/tasks/{id}";
  const post = async (content, options) => (await call("POST", submit, { content, ...options })).value;
  const done = await post({ task_type: "noop" });
  await post({
    task_type: "noop",
    name: "n",
    priority: "CRITICAL",
    deadline_seconds: 2_592_000,
    user_id: "u",
    session_id: null,
    context: { trace: "t" },
    payload: { a: [1] },
    required_gates: [],
    snapshot: { keys: ["a/"] },
  });
  const failed = await post({ task_type: "user_task", payload: { command: "no such command" }, snapshot: null });
  for (const task of [done, failed]) {
    await ended(task.task_id);
    const shown = (await call("GET", one, { values: [task.task_id] })).value;
    if (shown.status !== (task === done ? "COMPLETE" : "FAILED"))
      api.report("GET orchestrator task", `${task.task_type} is shown as ${shown.status}`);
  }
  for (const content of [
    {},
    { task_type: "" },
    { task_type: "noop", priority: "background" },
    { task_type: "noop", deadline_seconds: 0 },
    { task_type: "noop", deadline_seconds: 2_592_001 },
    { task_type: "noop", user_id: 5 },
    { task_type: "noop", payload: [] },
    { task_type: "noop", snapshot: { key: [] } },
    { task_type: "noop", prio: "LOW" },
  ])
    await post(content, { expect: 422 });
  await post({ task_type: "no_such_type" }, { expect: 422, valid: true });
  await call("POST", submit, { expect: 400, body: "{" });
  for (const id of [nobody, "x"]) await call("GET", one, { values: [id], expect: 404 });
  await call("GET", "/orchestrator/stats");
}

async function checkDispatch() {
  for (const path of ["health-check", "performance-check", "backup", "maintenance", "security-scan", "obd2-diagnostic"])
    await call("POST", `${root}/tasks/${path}`);
  await call("POST", root + "/tasks/generate");
  await call("POST", root + "/stop", { query: "now=perhaps", expect: 422 });
  await call("POST", root + "/stop");
  await call("POST", root + "/stop", { query: "now=true" });
  await call("POST", root + "/tasks/generate", { expect: 400 });
  const held = await create({ name: "held", task_type: "noop" });
  await call("GET", root + "/tasks/{id}/why", { values: [held.id] });
  for (const path of ["/health", "/status"]) await call("GET", root + path);
  await call("POST", root + "/start");
  await call("POST", root + "/start");
  await call("GET", root + "/workers");
  await call("GET", root + "/stats");
}

async function checkSettings() {
  const path = root + "/config";
  await call("PUT", path, {
    content: {
      max_concurrent_tasks: 8,
      generation_interval: "2m",
      retention: 3600,
      slots: { noop: 3 },
      "slots.system_health": 2,
    },
  });
  await call("PUT", path, { query: "generation_interval=3600&slots.noop=2" });
  await call("PUT", path, { content: { "log.level": "debug" } });
  await call("GET", path);
  for (const content of [
    { max_concurrent_tasks: 0 },
    { max_concurrent_tasks: 10_001 },
    { generation_interval: "x" },
    { slots: 5 },
    { slots: { noop: 0 } },
    { "slots.noop": "x" },
    { retention: -1 },
    5,
  ])
    await call("PUT", path, { content, expect: 422 });
  await call("PUT", path, { content: { no_such_setting: 1 }, valid: true, expect: 422 });
  await call("PUT", path, { content: { slots: { no_such_type: 1 } }, valid: true, expect: 404 });
  await call("PUT", path, { query: "generation_interval=x", expect: 422 });
  await call("PUT", path, { body: "{", expect: 400 });
  await call("PUT", path, {
    content: {
      max_concurrent_tasks: null,
      generation_interval: null,
      retention: null,
      "slots.noop": null,
      "slots.system_health": null,
    },
  });
  await call("GET", path);

  const pool = root + "/pools/{type}";
  await call("PUT", pool, { values: ["noop"], content: { slots: 4 } });
  for (const content of [{ slots: 0 }, { slots: 10_001 }, { slots: "4" }, {}, { size: 4 }, []])
    await call("PUT", pool, { values: ["noop"], content, expect: 422 });
  await call("PUT", pool, { values: ["obd2_diagnostic"], content: { slots: 4 }, valid: true, expect: 404 });
  await call("PUT", pool, { values: ["noop"], body: "{", expect: 400 });
}

// What HTTP itself allows to refuse, at every operation.
async function checkRefusals() {
  for (const entry of api.operations()) {
    const path = filled(entry.path);
    const many = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`X-Header-${i}`, "x"]));
    const refusals = [
      [413, { path, headers: { ...json, "Content-Length": "99999999999" }, declared: true }],
      [417, { path, headers: { Expect: "miracles" } }],
      [431, { path, headers: many }],
      [400, { path, headers: { "Transfer-Encoding": "gzip" }, declared: true }],
      [422, { path: path + "?no_such_parameter=1" }],
    ];
    for (const [status, request] of refusals) {
      const answer = await send(base, { method: entry.method, ...request });
      if (answer.status !== status) api.report(entry.name, `is answered with ${answer.status}, not ${status}`);
      api.check(entry, answer);
    }
  }
}

async function checkMethods() {
  for (const [pattern, item] of Object.entries(api.document.paths)) {
    const path = filled(pattern);
    const described = methods.filter((x) => item[x] !== undefined).map((x) => x.toUpperCase());
    const [options, wrong] = [
      await send(base, { method: "OPTIONS", path }),
      await send(base, { method: "PROPFIND", path }),
    ];
    for (const answer of [options, wrong])
      for (const method of [...described, "OPTIONS", ...(described.includes("GET") ? ["HEAD"] : [])])
        if (!(answer.headers.allow ?? "").split(", ").includes(method))
          api.report(pattern, `${method} is not in Allow`);
    if (options.status !== 204 || wrong.status !== 405)
      api.report(pattern, `OPTIONS ${options.status}, PROPFIND ${wrong.status}`);
    checkError(pattern, wrong);
    if (!described.includes("GET") || pattern === root + "/events") continue;
    const head = await send(base, { method: "HEAD", path });
    if (head.text !== "" || (head.status !== 200 && !pattern.includes("{")))
      api.report(pattern, `HEAD ${head.status} ${head.text}`);
  }
  const nowhere = await send(base, { method: "GET", path: root + "/nowhere" });
  if (nowhere.status !== 404) api.report("an unknown path", `is answered with ${nowhere.status}`);
  checkError("an unknown path", nowhere);
}

function checkError(what, answer) {
  const wrong = api.schemaMismatch("Error", JSON.parse(answer.text));
  if (wrong !== "") api.report(what, `${wrong} in ${answer.text}`);
}

// Follows the events of one task to its end. The stream holds the only place for long requests: a wait is refused.
async function checkEvents() {
  const path = root + "/events";
  for (const query of ["from=x", "kinds=x", "task=x"]) await call("GET", path, { query, expect: 422 });
  const entry = api.operation("GET", path);
  const events = await new Promise((resolve, reject) => {
    const request = http.get(base + path, { agent: false, timeout: 60_000 });
    request.on("timeout", () => request.destroy(new Error("the event stream is silent")));
    request.on("error", reject);
    request.on("response", (response) => {
      api.check(entry, { status: response.statusCode, headers: response.headers, text: "" });
      const found = [];
      let rest = "";
      let id = "";
      let asked = false;
      response.setEncoding("utf8");
      const follow = async (piece) => {
        rest += piece;
        const messages = rest.split("\n\n");
        rest = messages.pop();
        found.push(...messages.map(parseMessage).filter((x) => x.data !== undefined));
        if (!asked && messages.some((x) => /^id: /m.test(x))) {
          // the stream has told where it is: nothing is missed
          asked = true;
          id = (await create({ name: "seen", payload: { command: "hello" } })).id;
          await call("GET", root + "/tasks/{id}", { values: [id], query: "wait=1", expect: 503 });
        }
        if (found.some((x) => x.event === "task_completed" && JSON.parse(x.data).task?.id === id)) {
          request.destroy();
          resolve(found);
        }
      };
      response.on("data", (piece) => follow(piece).catch(reject));
      response.on("error", () => resolve(found));
    });
  });
  for (const { id, event, data } of events) {
    const value = JSON.parse(data);
    const wrong = api.schemaMismatch("Event", value);
    if (wrong !== "" || value.kind !== event || value.cursor !== id)
      api.report("GET events", `${wrong} in ${event} ${id} ${data}`);
  }
  for (const kind of ["task_created", "task_started", "task_log", "task_completed"])
    if (!events.some((x) => x.event === kind)) api.report("GET events", `no ${kind} was seen`);
}

function parseMessage(text) {
  return Object.fromEntries(
    text
      .split("\n")
      .filter((x) => /^\w+: /.test(x))
      .map((x) => [x.slice(0, x.indexOf(":")), x.slice(x.indexOf(":") + 2)]),
  );
}

// Only one task may be on its way to the disk: of many at once, one is refused.
async function checkOverload() {
  const entry = api.operation("POST", root + "/tasks/batch");
  const body = JSON.stringify([{ name: "burst", task_type: "noop" }]);
  for (let i = 0; i < maxBursts; ++i) {
    const answers = await Promise.all(
      Array.from({ length: 32 }, () => send(base, { method: "POST", path: entry.path, body, headers: json })),
    );
    for (const answer of answers) api.check(entry, answer);
    if (answers.some((x) => x.status === 429)) return;
  }
  api.report(entry.name, "was never answered with 429");
}

// A body that does not arrive. Takes as long as http.request-timeout.
async function checkSlowBody() {
  const entry = api.operation("POST", root + "/tasks");
  const answer = await send(base, {
    method: "POST",
    path: entry.path,
    headers: { ...json, "Content-Length": "10" },
    declared: true,
  });
  if (answer.status !== 408) api.report(entry.name, `a body that does not arrive is answered with ${answer.status}`);
  api.check(entry, answer);
}

async function withNode(options, checks) {
  const node = await NodeProcess.start(binary, config, ["--generation-interval", "0s", ...options]);
  base = node.base;
  let status;
  try {
    await checks();
  } finally {
    status = await node.stop();
  }
  if (status !== 0) api.report("the node", `ended with ${status}`);
}

async function inTurn(...checks) {
  for (const check of checks) {
    const started = performance.now();
    await check();
    console.log(`${check.name}: ${Math.round(performance.now() - started)} ms`);
  }
}

async function checkFullDisk() {
  await call("POST", root + "/tasks", { content: { name: "n", task_type: "noop" }, expect: 507, valid: true });
  await call("POST", root + "/tasks/batch", { content: [{ name: "n", task_type: "noop" }], expect: 507, valid: true });
  await call("POST", root + "/tasks/health-check", { expect: 507 });
  await call("POST", root + "/tasks/generate", { expect: 507 });
  await call("POST", "/orchestrator/submit", { content: { task_type: "noop" }, expect: 507, valid: true });
  await call("GET", root + "/health/ready", { expect: 503 });
  await call("GET", root + "/health");
}

function checkCoverage(left) {
  for (const { name, operation } of api.operations()) {
    const seen = api.seen.get(name) ?? new Set();
    const missing = Object.keys(operation.responses)
      .map(Number)
      .filter((x) => shownByEach.includes(x) && !seen.has(x) && !shownElsewhere[name]?.includes(x));
    if (missing.length > 0) api.report(name, `was never answered as described with ${missing.join(", ")}`);
  }
  const anywhere = new Set([...api.seen.values()].flatMap((x) => [...x]));
  for (const status of shownBySome.filter((x) => !left.includes(x)))
    if (!anywhere.has(status)) api.report("all operations", `none was answered as described with ${status}`);
}

const left = [];
await withNode(["--http-max-long-requests", "1", "--tasks-max-in-flight-tasks", "1"], async () => {
  await inTurn(
    checkNode,
    checkNewTasks,
    checkBatches,
    checkLists,
    checkOneTask,
    checkOrchestrator,
    checkDispatch,
    checkSettings,
    checkEvents,
    ...controlChecks({ api, call, create, ended }),
    ...workerChecks({ api, call, create, ended }),
    ...clusterChecks({ call }),
    checkRefusals,
    checkMethods,
    checkOverload,
  );
});
await withNode(["--http-request-timeout", "1s"], () => inTurn(checkSlowBody));
const disk = statfsSync(tmpdir());
if (disk.bavail * disk.bsize < largestMinFreeMb * 2 ** 20) {
  await withNode(["--storage-min-free-mb", String(largestMinFreeMb)], () => inTurn(checkFullDisk));
} else {
  left.push(507);
  console.log("not checked: 507, because this disk is larger than the setting that makes it look full");
}
checkCoverage(left);
const pairs = [...api.seen.values()].reduce((sum, x) => sum + x.size, 0);
const described = api.operations().reduce((sum, x) => sum + Object.keys(x.operation.responses).length, 0);
console.log(`${api.operations().length} operations; ${pairs} of ${described} described answers were seen`);
for (const finding of new Set(api.findings)) console.error(`FINDING ${finding}`);
process.exitCode = api.findings.length === 0 ? 0 : 1;
