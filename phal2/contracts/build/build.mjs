// Compiles the Solidity sources of phal2 into phal2/contracts/artefacts, or checks that the artefacts are what they give.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HELP = `usage: node build.mjs [--check] [--modules DIRECTORY]

Compiles phal2/contracts/{l1,l2,universal} into phal2/contracts/artefacts, one JSON file a contract.
Run "npm ci" in this directory first.

  --check              write nothing; exit with 1 and name every artefact that differs from what the sources give
  --modules DIRECTORY  where npm installed solc and @openzeppelin/contracts (default: node_modules beside this file)
  --help               show this text
`;

const BUILD_DIRECTORY = dirname(fileURLToPath(import.meta.url));
const SOURCE_ROOT = dirname(BUILD_DIRECTORY);
const SOURCE_DIRECTORIES = ["l1", "l2", "universal"];
const ARTEFACT_DIRECTORY = join(SOURCE_ROOT, "artefacts");

// Without the metadata that solc appends by default, the code depends on nothing but sources and settings.
const SETTINGS = {
  evmVersion: "prague",
  metadata: { appendCBOR: false, bytecodeHash: "none" },
  optimizer: { enabled: true, runs: 10_000 },
  outputSelection: {
    "*": {
      "": ["ast"],
      "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"],
    },
  },
};

class BuildError extends Error {}

function readSources() {
  const sources = {};
  for (const directory of SOURCE_DIRECTORIES) {
    for (const name of readdirSync(join(SOURCE_ROOT, directory), { recursive: true })) {
      if (!name.endsWith(".sol")) continue;
      const path = join(directory, name);
      sources[path.split(sep).join("/")] = { content: readFileSync(join(SOURCE_ROOT, path), "utf8") };
    }
  }
  return Object.fromEntries(Object.entries(sources).sort(byKey));
}

function compile(sources, modules) {
  const manifest = join(modules, "solc", "package.json");
  if (!existsSync(manifest)) {
    throw new BuildError(`solc is not installed in ${modules}; run "npm ci" in ${BUILD_DIRECTORY} first`);
  }
  const solc = createRequire(manifest)("./index.js");
  const importModule = (path) => {
    const file = resolve(modules, path);
    return existsSync(file) ? { contents: readFileSync(file, "utf8") } : { error: `${path} is not in ${modules}` };
  };
  const input = { language: "Solidity", sources, settings: SETTINGS };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: importModule }));
  // Warnings fail the build too: what solc doubts should be written another way.
  if (output.errors?.length) {
    throw new BuildError(output.errors.map((error) => error.formattedMessage).join("\n"));
  }
  return output;
}

// Contracts that can be deployed: neither interfaces nor libraries, which are all inlined, nor abstract contracts.
function* deployableContracts(output, sources) {
  for (const sourceName of Object.keys(sources)) {
    for (const node of output.sources[sourceName].ast.nodes) {
      if (node.nodeType === "ContractDefinition" && node.contractKind === "contract" && !node.abstract) {
        yield [sourceName, node.name, output.contracts[sourceName][node.name]];
      }
    }
  }
}

// SHA-256 over path and text, each ended by a zero byte, of the project's own sources that `sourceName` is made of.
function sourceHash(sourceName, output, sources) {
  const seen = new Set();
  const pending = [sourceName];
  while (pending.length) {
    const path = pending.pop();
    if (seen.has(path) || !(path in sources)) continue;
    seen.add(path);
    for (const node of output.sources[path].ast.nodes) {
      if (node.nodeType === "ImportDirective") pending.push(node.absolutePath);
    }
  }
  const hash = createHash("sha256");
  for (const path of [...seen].sort()) hash.update(`${path}\0${sources[path].content}\0`);
  return hash.digest("hex");
}

// solc numbers types and declarations through the whole compilation; a layout must not change with an unrelated file.
function storageLayout(layout) {
  const typeName = (name) => name.replace(/(t_(?:contract|enum|struct|userDefinedValueType)\([^)]*\))\d+/g, "$1");
  const member = ({ label, offset, slot, type }) => ({ label, offset, slot, type: typeName(type) });
  const types = {};
  for (const [name, type] of Object.entries(layout.types ?? {})) {
    const { key, value, base, members, ...rest } = type;
    types[typeName(name)] = {
      ...rest,
      ...(key && { key: typeName(key) }),
      ...(value && { value: typeName(value) }),
      ...(base && { base: typeName(base) }),
      ...(members && { members: members.map(member) }),
    };
  }
  return { storage: layout.storage.map(member), types };
}

function byKey([left], [right]) {
  return left < right ? -1 : left > right ? 1 : 0;
}

function sortKeys(value) {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(byKey)
      .map(([key, item]) => [key, sortKeys(item)]),
  );
}

function buildArtefacts(modules) {
  const sources = readSources();
  const output = compile(sources, modules);
  const artefacts = new Map();
  for (const [sourceName, contractName, contract] of deployableContracts(output, sources)) {
    const file = `${contractName}.json`;
    if (artefacts.has(file)) {
      throw new BuildError(`two contracts are named ${contractName}; artefacts go by name, so rename one of them`);
    }
    const artefact = {
      abi: contract.abi,
      bytecode: `0x${contract.evm.bytecode.object}`,
      contractName,
      deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
      sourceHash: sourceHash(sourceName, output, sources),
      sourceName,
      storageLayout: storageLayout(contract.storageLayout),
    };
    artefacts.set(file, `${JSON.stringify(sortKeys(artefact), null, 1)}\n`);
  }
  return artefacts;
}

function committedFiles() {
  return existsSync(ARTEFACT_DIRECTORY) ? readdirSync(ARTEFACT_DIRECTORY).filter((name) => name.endsWith(".json")) : [];
}

function differences(artefacts) {
  const committed = new Set(committedFiles());
  const found = [];
  for (const [file, text] of artefacts) {
    if (!committed.has(file)) found.push(`${file} is missing`);
    else if (readFileSync(join(ARTEFACT_DIRECTORY, file), "utf8") !== text) {
      found.push(`${file} is not what the sources give`);
    }
  }
  for (const file of committed) if (!artefacts.has(file)) found.push(`${file} has no source`);
  return found.sort();
}

function write(artefacts) {
  mkdirSync(ARTEFACT_DIRECTORY, { recursive: true });
  for (const file of committedFiles()) if (!artefacts.has(file)) rmSync(join(ARTEFACT_DIRECTORY, file));
  for (const [file, text] of artefacts) writeFileSync(join(ARTEFACT_DIRECTORY, file), text);
}

function parseOptions() {
  try {
    const options = { check: { type: "boolean" }, help: { type: "boolean" }, modules: { type: "string" } };
    return parseArgs({ options }).values;
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${HELP}`);
    process.exit(2);
  }
}

const options = parseOptions();
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
try {
  const artefacts = buildArtefacts(resolve(options.modules ?? join(BUILD_DIRECTORY, "node_modules")));
  const directory = relative(process.cwd(), ARTEFACT_DIRECTORY) || ".";
  if (options.check) {
    const found = differences(artefacts);
    if (found.length) {
      throw new BuildError(`${directory}: ${found.join("; ")}\nrun "node build.mjs" and commit what it writes`);
    }
    process.stdout.write(`${artefacts.size} artefacts match the sources\n`);
  } else {
    write(artefacts);
    process.stdout.write(`wrote ${artefacts.size} artefacts to ${directory}\n`);
  }
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
