// The API as its description says it is: sends requests, and finds where an answer and the description differ.
import { readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";

export const methods = ["get", "put", "post", "patch", "delete"];
const answerTimeoutMs = 60_000;

// What the description leaves open for later is closed here: an answer with a field that is not described is a finding.
function closeObjects(schema) {
  if (schema === null || typeof schema !== "object") return;
  const isPart = schema.type === undefined; // of the schema around it, which says what else there may be
  if (!isPart && schema.properties !== undefined && schema.additionalProperties === undefined)
    schema.additionalProperties = false;
  for (const [key, part] of Object.entries(schema)) if (key !== "not") closeObjects(part);
}

// One request on a connection of its own. With `declared` the head says a length and no body follows.
export function send(base, { method, path, body, headers = {}, declared = false }) {
  return new Promise((resolve, reject) => {
    const request = http.request(base + path, { method, headers, agent: false, timeout: answerTimeoutMs });
    request.on("response", (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        request.destroy();
        resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(pieces).toString() });
      });
    });
    request.on("timeout", () => request.destroy(new Error(`no answer to ${method} ${path}`)));
    request.on("error", (error) => reject(new Error(`${method} ${path}: ${error.message}`)));
    if (declared) request.flushHeaders();
    else request.end(body);
  });
}

export class DescribedApi {
  constructor(documentFile, packages) {
    const require = createRequire(resolve(packages, "package.json"));
    const Ajv = require("ajv/dist/2020.js").default;
    const addFormats = require("ajv-formats").default;
    this.document = JSON.parse(readFileSync(documentFile, "utf8"));
    const closed = structuredClone(this.document);
    closeObjects(closed.components.schemas);
    this.ajv = new Ajv({ strict: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addSchema({ $id: "api:", ...closed });
    this.seen = new Map(); // operation -> statuses that were answered as described
    this.findings = [];
  }

  // All operations as `{name, method, path, operation}`.
  operations() {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      methods
        .filter((method) => item[method] !== undefined)
        .map((method) => this.operation(method.toUpperCase(), path)),
    );
  }

  operation(method, path) {
    const operation = this.document.paths[path]?.[method.toLowerCase()];
    if (operation === undefined) throw new Error(`the description has no ${method} ${path}`);
    return { name: `${method} ${path}`, method, path, operation };
  }

  resolve(x) {
    if (x.$ref === undefined) return x;
    const target = x.$ref
      .slice(2)
      .split("/")
      .reduce((value, key) => value[key], this.document);
    const { $ref, ...rest } = x;
    return { ...target, ...rest };
  }

  // What is wrong with `value`, as text; empty when nothing is. `pointer` leads to the schema in the document.
  mismatch(pointer, value) {
    const validate = this.ajv.getSchema(`api:#${pointer}`);
    if (validate === undefined) throw new Error(`no schema at ${pointer}`);
    return validate(value) ? "" : this.ajv.errorsText(validate.errors, { dataVar: "value" });
  }

  schemaMismatch(name, value) {
    return this.mismatch(`/components/schemas/${name}`, value);
  }

  // What is wrong with a JSON body that is sent.
  requestMismatch({ method, path }, value) {
    const place = ["paths", path, method.toLowerCase(), "requestBody", "content", "application/json", "schema"];
    return this.mismatch(pointerOf(place), value);
  }

  report(what, text) {
    this.findings.push(`${what}: ${text}`);
  }

  // Compares an answer with what the operation says of its status.
  check(entry, answer) {
    const { operation, name } = entry;
    const reference = operation.responses[answer.status];
    const what = `${name} -> ${answer.status}`;
    if (reference === undefined) {
      this.report(what, `this status is not described: ${answer.text.slice(0, 300)}`);
      return undefined;
    }
    const before = this.findings.length;
    this.checkHeaders(what, this.resolve(reference), answer);
    const value = this.checkBody(what, entry, reference, answer);
    if (this.findings.length === before) {
      if (!this.seen.has(name)) this.seen.set(name, new Set());
      this.seen.get(name).add(answer.status);
    }
    return value;
  }

  checkHeaders(what, response, answer) {
    const mustBeThere = ["Retry-After", "Location"];
    for (const [name, header] of Object.entries(response.headers ?? {})) {
      const text = answer.headers[name.toLowerCase()];
      if (text === undefined) {
        if (mustBeThere.includes(name)) this.report(what, `the header ${name} is missing`);
        continue;
      }
      const { schema } = this.resolve(header);
      const value = this.resolve(schema).type === "integer" ? Number(text) : text;
      if (!this.ajv.validate(this.absolute(schema), value)) this.report(what, `the header ${name} is ${text}`);
    }
    for (const name of [
      "location",
      "link",
      "retry-after",
      "overwatch-next-cursor",
      "overwatch-existing",
      "overwatch-cut-short",
    ])
      if (
        answer.headers[name] !== undefined &&
        !Object.keys(response.headers ?? {}).some((x) => x.toLowerCase() === name)
      )
        this.report(what, `the header ${name} is not described`);
  }

  checkBody(what, { method, path }, reference, answer) {
    const type = (answer.headers["content-type"] ?? "").split(";")[0];
    const { content } = this.resolve(reference);
    if (content[type] === undefined) {
      this.report(what, `the content type ${type} is not described`);
      return undefined;
    }
    if (type !== "application/json") return answer.text;
    let value;
    try {
      value = JSON.parse(answer.text);
    } catch (error) {
      this.report(what, `not JSON: ${error.message}`);
      return undefined;
    }
    const owner =
      reference.$ref !== undefined
        ? reference.$ref.slice(2).split("/")
        : ["paths", path, method.toLowerCase(), "responses", String(answer.status)];
    const wrong = this.mismatch(pointerOf([...owner, "content", type, "schema"]), value);
    if (wrong !== "") this.report(what, `${wrong} in ${answer.text.slice(0, 600)}`);
    return value;
  }

  absolute(schema) {
    return schema.$ref === undefined ? schema : { $ref: `api:${schema.$ref}` };
  }
}

function pointerOf(keys) {
  return keys.map((key) => "/" + encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))).join("");
}
