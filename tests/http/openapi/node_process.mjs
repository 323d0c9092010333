// A node of Overwatch on a data directory of its own, stopped and removed at the end.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const startTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;

export class NodeProcess {
  // Returns when the node listens, on a free port.
  static async start(binary, config, options = []) {
    const node = new NodeProcess();
    node.directory = mkdtempSync(join(tmpdir(), "overwatch-openapi-"));
    const configFile = join(node.directory, "overwatch.conf");
    writeFileSync(configFile, config);
    node.child = spawn(
      binary,
      [
        "start",
        "--config-file",
        configFile,
        "--data-dir",
        join(node.directory, "data"),
        "--http",
        "127.0.0.1:0",
        "--log-format",
        "json",
        ...options,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    process.on("exit", () => node.child.kill("SIGKILL")); // also when a check throws
    node.exited = new Promise((resolve) => node.child.on("exit", (code, signal) => resolve(signal ?? code)));
    try {
      node.base = await node.listening();
    } catch (error) {
      await node.stop();
      throw error;
    }
    return node;
  }

  listening() {
    const log = [];
    return new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`the node ${why}; its log:\n${log.join("\n")}`));
      const timer = setTimeout(() => fail("does not listen"), startTimeoutMs);
      this.child.on("error", (error) => fail(`cannot be started (${error.message})`));
      this.child.on("exit", () => fail("ended"));
      createInterface({ input: this.child.stderr }).on("line", (line) => {
        log.push(line);
        const address = /"message":"listening","http":"([^"]+)"/.exec(line);
        if (address === null) return;
        clearTimeout(timer);
        resolve(address[1]);
      });
    });
  }

  // What it exited with.
  async stop() {
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), stopTimeoutMs);
    const status = await this.exited;
    clearTimeout(timer);
    rmSync(this.directory, { recursive: true, force: true });
    return status;
  }
}
