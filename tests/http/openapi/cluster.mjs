// The nodes of a cluster of one, as the description says; what takes more nodes is in tests/cluster/three_nodes_test.cpp.
const root = "/api/overwatch/cluster";
const one = root + "/nodes/{name}";
const hand = root + "/partitions/{number}/transfer";

/** What is not shown here: it takes more nodes, or a worker that leaves while it is busy. */
export const shownElsewhere = {
  [`DELETE ${one}`]: [200],
  [`POST ${hand}`]: [409],
  "POST /api/overwatch/workers/{worker}/claim": [409],
};

export function clusterChecks({ call }) {
  async function checkCluster() {
    const { value: cluster } = await call("GET", root);
    const [own] = cluster.nodes;
    await call("PUT", one, { values: ["d"], content: { address: "127.0.0.1:7709" } });
    for (const content of [{}, { address: "nowhere" }, { address: "a:1", x: 1 }])
      await call("PUT", one, { values: ["d"], content, expect: 422, valid: content.address === "nowhere" });
    await call("PUT", one, { values: ["d"], body: "{", expect: 400 });
    await call("DELETE", one, { values: ["zz"], expect: 404 });
    await call("DELETE", one, { values: [own.name], expect: 409 });
    await call("POST", one + "/drain", { values: [own.name], content: { limit: "1m" } });
    await call("POST", one + "/resume", { values: [own.name] });
    for (const route of ["/drain", "/resume"]) await call("POST", one + route, { values: ["zz"], expect: 404 });
    await call("POST", one + "/drain", { values: ["zz"], content: { limit: -1 }, expect: 422 });
    await call("POST", one + "/drain", { values: ["zz"], body: "{", expect: 400 });
    await call("POST", hand, { values: [0], content: { node: own.name } });
    await call("POST", hand, { values: [0], content: { node: "zz" }, expect: 404, valid: true });
    await call("POST", hand, { values: [0], content: { node: 1 }, expect: 422 });
    await call("POST", hand, { values: [0], body: "{", expect: 400 });
  }

  return [checkCluster];
}
