// Calls what controls execution - gates, keys, workflows, schedules, rules, approvals, rollbacks - with good and bad
// input, as the description says. `call`, `create` and `ended` are those of responses.mjs.
const root = "/api/overwatch";
const nobody = "01a201dd-1ea5-7000-8000-3530ffd7c7f1"; // an id that no task and no workflow has

export function controlChecks({ api, call, create, ended }) {
  // Sends each content; the schema and the node have to refuse it.
  async function refused(method, path, values, contents) {
    for (const content of contents) await call(method, path, { values, content, expect: 422 });
    await call(method, path, { values, body: "{", expect: 400 });
  }

  async function checkTaskControl() {
    const one = root + "/tasks/{id}";
    const later = await create({ name: "later", task_type: "noop", scheduled_at: "+1h" });
    for (const content of [
      { priority: "high" },
      { priority: 4, deadline: "+2h", tags: ["a"] },
      { deadline: null, tags: [] },
      { scheduled_at: "+2h" },
    ])
      await call("PATCH", one, { values: [later.id], content });
    await refused("PATCH", one, [later.id], [
      {},
      { name: "x" },
      { priority: "urgent" },
      { priority: null },
      { scheduled_at: 5 },
      { deadline: "soon" },
      { tags: [5] },
      { tags: Array(65).fill("x") },
    ]);
    const done = await ended((await create({ name: "done", task_type: "noop" })).id);
    await ended((await create({ name: "child", task_type: "noop", depends_on: [done.id] })).id);
    await create({ name: "orphan", task_type: "noop", depends_on: [nobody] }, { expect: 422, valid: true });
    const outside = { keys: [], files: ["/etc/hosts"] };
    await create({ name: "outside", task_type: "noop", snapshot: outside }, { expect: 422, valid: true });
    await call("PATCH", one, { values: [done.id], content: { priority: "low" }, expect: 409, valid: true });

    const approve = one + "/approve";
    await call("PUT", root + "/gates/{name}", { values: ["consent"], content: { kind: "approval" } });
    const waits = { task_type: "noop", required_gates: ["consent"], on_closed_gate: "wait" };
    const gated = await create({ name: "gated", ...waits });
    await call("GET", one + "/why", { values: [gated.id] });
    await refused("POST", approve, [gated.id], [{}, { by: "ann" }, { reason: "x" }, { by: "", reason: "x" }]);
    await call("POST", approve, { values: [gated.id], content: { by: "ann", reason: "seen" } });
    const approved = await ended(gated.id);
    if (approved.status !== "completed" || approved.approvals.length !== 1)
      api.report("approve", `the task is ${approved.status} with ${approved.approvals.length} approvals`);
    const consent = { gate: "consent", by: "ann", reason: "late" };
    await call("POST", approve, { values: [gated.id], content: consent, expect: 409, valid: true });

    const write = { name: "write", task_type: "noop", snapshot: { keys: ["undo/"] }, keep_snapshot: "1h" };
    const kept = await ended((await create(write)).id);
    await call("GET", one + "/snapshot", { values: [kept.id] });
    await refused("POST", one + "/rollback", [kept.id], [{ by: 5 }, { why: "x" }]);
    await call("POST", one + "/rollback", { values: [kept.id], content: { by: "ann", reason: "wrong" } });
    await call("POST", one + "/rollback", { values: [done.id], expect: 409 });
    await call("GET", one + "/snapshot", { values: [done.id] });
    for (const id of [nobody, "x"]) {
      await call("PATCH", one, { values: [id], content: { priority: "low" }, expect: 404, valid: true });
      await call("POST", approve, { values: [id], content: consent, expect: 404, valid: true });
      await call("POST", one + "/rollback", { values: [id], expect: 404 });
      await call("GET", one + "/snapshot", { values: [id], expect: 404 });
    }
    await call("GET", root + "/resources");
  }

  async function checkWorkflows() {
    const path = root + "/workflows";
    const graph = (tasks, fields) => ({ name: "release", tasks, ...fields });
    const build = { name: "build", task_type: "noop" };
    const test = { name: "test", task_type: "noop", depends_on: ["build"], keep_snapshot: "1m" };
    const made = (await call("POST", path, { content: graph([build, test], { compensate: true, id: null }) })).value;
    await ended(made.tasks[1].id);
    await call("GET", path + "/{id}", { values: [made.id] });
    const waits = { name: "later", task_type: "noop", scheduled_at: "+1h" };
    const open = (await call("POST", path, { content: graph([build, waits]) })).value;
    const page = (await call("GET", path, { query: "limit=1" })).value;
    await call("GET", path, { query: `limit=1000&cursor=${page.next ?? open.id}` });
    await call("GET", root + "/tasks", { query: `workflow=${made.id}` });
    for (const query of ["limit=0", "cursor=x"]) await call("GET", path, { query, expect: 422 });
    await refused("POST", path, [], [
      {},
      graph([]),
      graph([{}]),
      graph([{ name: "a b" }]),
      graph([{ ...build, id: nobody }]),
      graph([{ ...build, depends_on: ["a b".repeat(30)] }]),
      graph([build], { compensate: "yes" }),
      graph([build], { id: "x" }),
      graph(Array(1001).fill(build)),
    ]);
    // What no schema can say.
    for (const tasks of [[build, build], [test], [{ ...build, depends_on: ["test"] }, test]])
      await call("POST", path, { content: graph(tasks), expect: 422, valid: true });
    const cancel = path + "/{id}/cancel";
    await refused("POST", cancel, [open.id], [{ reason: 5 }, { why: "x" }]);
    await call("POST", cancel, { values: [open.id], content: { reason: "enough" } });
    await call("POST", cancel, { values: [open.id], expect: 409 });
    for (const id of [nobody, "x"]) {
      await call("GET", path + "/{id}", { values: [id], expect: 404 });
      await call("POST", cancel, { values: [id], expect: 404 });
    }
  }

  async function checkGates() {
    const one = root + "/gates/{name}";
    const window = { from: "22:00", to: "06:00" };
    for (const [name, content] of [
      ["deploy", { open: false, by: "ann", reason: "release" }],
      ["deploy", { kind: "manual", description: "d", open: true }],
      ["cool", { kind: "health", condition: { metric: "cpu_percent", above: 100.5, margin: 5, for: "30s" } }],
      ["warm", { kind: "health", condition: { metric: "load_per_core", below: -1 }, by: "ann" }],
      ["night", { kind: "window", windows: [{ ...window, days: ["mon-fri"] }, { ...window, days: "sat,sun" }] }],
      ["noon", { kind: "window", windows: [window], time_zone: "Europe/Berlin" }],
      ["a b.c", { kind: "approval" }],
    ]) {
      await call("PUT", one, { values: [name], content });
      await call("GET", one, { values: [name] });
    }
    await call("PUT", one, { values: ["declared"] });
    await call("GET", root + "/gates");
    const condition = { metric: "cpu_percent", above: 1 };
    await refused("PUT", one, ["g"], [
      { kind: "switch" },
      { open: "no" },
      { description: "without kind" },
      { kind: "health" },
      { kind: "health", condition: { ...condition, below: 2 } },
      { kind: "health", condition: { metric: "cpu", above: 1 } },
      { kind: "health", condition: { ...condition, for: 86_401 } },
      { kind: "manual", condition },
      { kind: "window" },
      { kind: "window", windows: [] },
      { kind: "window", windows: [{ ...window, from: "24:00" }] },
      { kind: "window", windows: [{ ...window, days: ["someday"] }] },
      { kind: "window", windows: [window], open: true },
      [],
    ]);
    const nowhere = { kind: "window", windows: [window], time_zone: "Nowhere/At_all" };
    await call("PUT", one, { values: ["g"], content: nowhere, expect: 422, valid: true });
    await call("PUT", one, { values: ["cool"], content: { open: true }, expect: 422, valid: true });
    await call("PUT", one, { values: ["a/b"], content: {}, expect: 422, valid: true });
    await call("DELETE", one, { values: ["deploy"] });
    for (const method of ["GET", "DELETE"]) await call(method, one, { values: ["deploy"], expect: 404 });
  }

  async function checkKeys() {
    const one = root + "/keys/{key}";
    const path = root + "/keys";
    const put = (key, options) => call("PUT", one, { values: [key], ...options });
    const first = (await put("app/mode", { content: { value: "blue" }, query: "version=0" })).value;
    await put("app/bytes", { content: { value_base64: "AP8=" } });
    await put("app/plain", { body: "text", headers: { "Content-Type": "text/plain" } });
    for (const key of ["app/mode", "app/bytes"]) {
      await call("GET", one, { values: [key] });
      await call("GET", one, { values: [key], query: "raw=true" });
    }
    await put("app/mode", { content: { value: "green" }, headers: ifMatch(first.version) });
    await put("app/mode", { content: { value: "red" }, headers: ifMatch(first.version), expect: 409, valid: true });
    await put("k", { body: "x".repeat(2 ** 20 + 1), headers: { "Content-Type": "text/plain" }, expect: 413 });
    await refused("PUT", one, ["k"], [{}, { value: 5 }, { value_base64: "A" }, { value: "", value_base64: "" }, []]);
    const page = (await call("GET", path, { query: "prefix=app/&limit=1" })).value;
    await call("GET", path, { query: `prefix=app/&after=${encodeURIComponent(page.next)}&values=false` });
    for (const query of ["limit=0", "limit=1001", "values=x"]) await call("GET", path, { query, expect: 422 });
    await call("GET", one, { values: ["app/mode"], query: "raw=x", expect: 422 });
    await call("DELETE", one, { values: ["app/mode"], query: `version=${first.version}`, expect: 409 });
    await call("DELETE", one, { values: ["app/mode"], query: "version=x", expect: 422 });
    await call("DELETE", one, { values: ["app/mode"] });
    for (const method of ["GET", "DELETE"]) await call(method, one, { values: ["app/mode"], expect: 404 });
  }

  async function checkSchedules() {
    const one = root + "/schedules/{name}";
    const task = { name: "n", task_type: "noop" };
    for (const [name, content] of [
      ["nightly", { cron: "0 3 * * mon-fri", time_zone: "Europe/Berlin", missed: "all", overlap: "queue", task }],
      ["soon", { interval: 3600, task: { ...task, deadline: "+5m" } }],
      ["often", { interval: "1h", cron: null, starts_at: "+1h", ends_at: "+2d", description: "d", paused: true, task }],
    ])
      await call("PUT", one, { values: [name], content });
    for (const action of ["resume", "run", "pause"]) await call("POST", `${one}/${action}`, { values: ["often"] });
    const ran = (await call("GET", one, { values: ["often"] })).value;
    if (ran.history.length !== 1) api.report("run", `the schedule has a history of ${ran.history.length}`);
    else await ended(ran.history[0].task);
    await call("GET", root + "/schedules");
    await call("GET", one + "/next", { values: ["nightly"], query: "count=100" });
    await call("GET", one + "/next", { values: ["nightly"], query: "count=101", expect: 422 });
    await refused("PUT", one, ["s"], [
      { task },
      { cron: "0 3 * * *" },
      { cron: "0 3 * * *", interval: 5, task },
      { interval: 0.5, task },
      { interval: 5, task: {} },
      { interval: 5, task: { ...task, unique_key: "k" } },
      { interval: 5, task: { ...task, deadline: "2030-01-01T00:00:00Z" } },
      { interval: 5, task, missed: "never" },
      { interval: 5, task, overlap: "wait" },
      { interval: 5, task, every: 5 },
      { interval: 5, task, starts_at: "tomorrow" },
    ]);
    for (const content of [
      { cron: "61 * * * *", task },
      { cron: "0 3 * * *", time_zone: "Nowhere/At_all", task },
      { interval: 5, task, starts_at: "+2h", ends_at: "+1h" },
      { interval: 5, task: { ...task, task_type: "no_such_type" } },
    ])
      await call("PUT", one, { values: ["s"], content, expect: 422, valid: true });
    await call("DELETE", one, { values: ["often"] });
    for (const [method, path] of [
      ["GET", one],
      ["DELETE", one],
      ["GET", one + "/next"],
      ["POST", one + "/pause"],
      ["POST", one + "/resume"],
      ["POST", one + "/run"],
    ])
      await call(method, path, { values: ["often"], expect: 404 });
  }

  async function checkRules() {
    const one = root + "/rules/{name}";
    const task = { name: "made", task_type: "noop" };
    const rule = { description: "d", condition: "true", task, for: "1m", cooldown: 600, on: ["task_failed"] };
    await call("PUT", one, { values: ["fixed"], content: rule });
    await call("PUT", one, { values: ["chunk"], content: { make: "return {name = 'n', task_type = 'noop'}" } });
    await call("PUT", one, { values: ["chunk"], content: { enabled: false } });
    const all = (await call("GET", root + "/rules")).value.rules;
    for (const { name } of all) await call("GET", one, { values: [name] });
    for (const name of ["fixed", "chunk"]) await call("POST", one + "/test", { values: [name] });
    await call("POST", one + "/test", { values: ["fixed"], content: { condition: "false" } });
    await call("POST", root + "/rules/test", { content: { make: "print('x') return {name = 'n'}" } });
    const wrong = [
      { make: "return {}", task },
      { make: 5 },
      { make: "" },
      { task: { name: "" } },
      { task, enabled: "yes" },
      { task, on: ["task_lost"] },
      { task, on: ["task_progress"] },
      { task, on: ["task_failed", "task_failed"] },
      { task, cooldown: 2_592_001 },
      { task, when: "true" },
    ];
    await refused("PUT", one, ["wrong"], wrong);
    await refused("POST", root + "/rules/test", [], wrong);
    await refused("POST", one + "/test", ["fixed"], wrong);
    await call("PUT", one, { values: ["new"], content: { enabled: false }, expect: 422, valid: true });
    await call("PUT", one, { values: ["new"], content: { make: "return {" }, expect: 422, valid: true });
    const shipped = all.find((x) => x.built_in);
    if (shipped === undefined) api.report("GET rules", "no rule ships");
    else {
      await call("PUT", one, { values: [shipped.name], content: { enabled: false } });
      await call("DELETE", one, { values: [shipped.name], expect: 409 });
    }
    await call("DELETE", one, { values: ["fixed"] });
    for (const [method, path] of [
      ["GET", one],
      ["DELETE", one],
      ["POST", one + "/test"],
    ])
      await call(method, path, { values: ["fixed"], expect: 404 });
  }

  return [checkTaskControl, checkWorkflows, checkGates, checkKeys, checkSchedules, checkRules];
}

const ifMatch = (version) => ({ "Content-Type": "application/json", "If-Match": `"${version}"` });

// A path of the description with its placeholders filled by what exists nowhere.
export const filled = (pattern) =>
  pattern.replace("{id}", nobody).replace("{type}", "noop").replace("{name}", "nothing").replace("{key}", "no/thing").replace("{worker}", "nobody:1");
