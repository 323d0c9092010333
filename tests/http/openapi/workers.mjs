// Plays an attached worker by hand: registers, claims, reports, finishes, leaves; with good and bad input, as the description says.
const root = "/api/overwatch";
const worker = root + "/workers/{worker}";
const nobody = "nobody:0123456789abcdef";

export function workerChecks({ api, call, create, ended }) {
  async function refused(path, values, contents) {
    for (const content of contents) await call("POST", path, { values, content, expect: 422 });
    await call("POST", path, { values, body: "{", expect: 400 });
  }

  async function checkWorkers() {
    await refused(root + "/workers", [], [
      {},
      { name: "n" },
      { name: "n", types: {} },
      { name: "n", types: { a: 0 } },
      { name: "", types: { a: 1 } },
      { name: "n", types: { a: 1 }, x: 1 },
    ]);
    const { value: { id } } = await call("POST", root + "/workers", { content: { name: "by hand", types: { by_hand: 2 } } });
    const values = [id];
    await call("GET", root + "/workers");
    const task = await create({ name: "by hand", task_type: "by_hand", payload: { a: 1 } });
    await refused(worker + "/claim", values, [{ limit: 0 }, { wait: 61 }, { task_type: "" }, { x: 1 }]);
    const { value: claimed } = await call("POST", worker + "/claim", { values, content: { limit: 2, wait: "10s" } });
    const [attempt] = claimed.attempts;
    if (attempt?.id !== task.id) api.report("claim", "the attempt of the task was not claimed");
    const named = { id: attempt.id, token: attempt.token };

    await refused(worker + "/heartbeat", values, [{ attempts: [{}] }, { attempts: [{ ...named, progress: 101 }] }]);
    const half = { ...named, progress: 50, message: "half", log: ["a", { level: "warning", message: "b", data: [1] }] };
    await call("POST", worker + "/heartbeat", { values, content: { attempts: [half] } });

    await refused(worker + "/finish", values, [{}, { attempts: [] }, { attempts: [{ ...named, status: "cancelled" }] }]);
    const done = { ...named, status: "completed", result: { b: 2 }, execution_time: 0.5 };
    await call("POST", worker + "/finish", { values, content: { attempts: [done] } });
    const { value: again } = await call("POST", worker + "/finish", { values, content: { attempts: [{ ...done, status: "failed" }] } });
    if (again.attempts[0].error?.code !== "conflict") api.report("finish", "a second, different outcome was not refused");
    if ((await ended(task.id)).status !== "completed") api.report("finish", "the task is not completed");

    await call("DELETE", worker, { values });
    await call("DELETE", worker, { values: [nobody], expect: 404 });
    for (const route of ["/claim", "/heartbeat"]) await call("POST", worker + route, { values: [nobody], content: {}, expect: 404, valid: true });
  }

  return [checkWorkers];
}
