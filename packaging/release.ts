/**
 * `npm run release [-- --out DIR] [--downloads DIR] [--key FILE] [--only EXECUTABLE]...`: all files of a release, in out/release.
 *
 * The same commit gives the same bytes for each user, folder and day: times are the commit's, modes and owners are said, and every tool but
 * strip is pinned by a hash (docs/decisions/0024-releases.md).
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle, root, version } from './bundle.js'
import { sha256Of, signSums, writeSums } from './checksums.js'
import { nfpmProgram, nodeForArm64 } from './downloads.js'
import { writeExecutable } from './executable.js'
import { licensesText } from './licenses.js'
import { pinned, pinnedNode } from './node-binary.js'
import { packageDocuments } from './package-documents.js'
import { type Architecture, architectures, formats, type Program, programs } from './programs.js'
import { provenanceOf } from './provenance.js'
import { sbomOf } from './sbom.js'
import { sourceOfRelease } from './source.js'
import { packageName, writeSystemPackage } from './system-package.js'
import { usedPackages } from './used-packages.js'

const ownFolder = join(root, 'out/release')
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: ownFolder },
    downloads: { type: 'string', default: join(root, 'out/downloads') },
    key: { type: 'string' },
    only: { type: 'string', multiple: true },
  },
})
const [out, downloads] = [resolve(options.out), resolve(options.downloads)]
const work = join(out, '.work')

/** What is made of each program, for each architecture. */
const artefacts = (name: Program['name'], architecture: Architecture) => ({
  executable: `${name}-${architecture}`,
  sbom: `${name}-${architecture}.cdx.json`,
  packages: formats.map((format) => ({ format, file: packageName(name, architecture, format) })),
})

const all = Object.keys(architectures) as Architecture[]
const known = programs.flatMap(({ name }) => all.map((one) => artefacts(name, one).executable))
for (const name of options.only ?? [])
  if (!known.includes(name)) throw new Error(`--only ${name}: there is no such executable, but ${known.join(', ')}`)
/** The architectures that a program is made for. */
const wanted = ({ name }: Program): readonly Architecture[] =>
  all.filter((one) => options.only?.includes(artefacts(name, one).executable) ?? true)

const source = sourceOfRelease()
const nodes: Readonly<Record<Architecture, string>> = { x64: pinnedNode(), arm64: nodeForArm64(downloads) }
const nfpm = nfpmProgram(downloads)

/** The agents that a package of the coordinator brings for `quorate deploy`: all that this release has. */
const agentsFor = ({ name }: Program): readonly string[] =>
  name === 'quorate'
    ? programs
        .filter((one) => one.name === 'quorate-agent')
        .flatMap((agent) =>
          wanted(agent).map((architecture) => join(out, artefacts(agent.name, architecture).executable)),
        )
    : []

/** Makes everything of one program; returns the names of the files. */
async function makeProgram(program: Program): Promise<readonly string[]> {
  const { name } = program
  const folder = join(work, name)
  mkdirSync(folder, { recursive: true })
  const packages = usedPackages(await bundle(program, join(folder, 'main.cjs')))
  const licenses = `${name}-licenses.txt`
  writeFileSync(join(out, licenses), licensesText(packages, nodes.x64))
  const documents = await packageDocuments(program, {
    folder,
    time: source.time,
    node: nodes.x64,
    licenses: join(out, licenses),
  })
  const made: string[] = [licenses]
  for (const architecture of wanted(program)) {
    const node = nodes[architecture]
    const { executable, sbom, packages: files } = artefacts(name, architecture)
    const path = join(out, executable)
    writeExecutable(path, { folder, program, node, architecture })
    writeFileSync(
      join(out, sbom),
      sbomOf({ name, packages, node: { version: pinned.version, sha256: sha256Of(node) } }),
    )
    const contents = documents.with({ executable: path, sbom: join(out, sbom), agents: agentsFor(program) })
    for (const { format } of files)
      writeSystemPackage(out, format, { program, architecture, time: source.time, contents, nfpm, work: folder })
    made.push(executable, sbom, ...files.map(({ file }) => file))
  }
  return made
}

const started = Date.now()
// The folder of releases is this program's own; one that was named may be anything.
if (out === ownFolder) rmSync(out, { recursive: true, force: true })
mkdirSync(work, { recursive: true })
if (readdirSync(out).length > 1) throw new Error(`--out ${out}: the folder must be empty`)
const made: string[] = []
for (const program of programs.filter((one) => wanted(one).length > 0)) made.push(...(await makeProgram(program)))
made.sort()
writeFileSync(join(out, 'provenance.json'), provenanceOf(out, made, source))
writeSums(out, [...made, 'provenance.json'])
if (options.key !== undefined) signSums(out, options.key)
rmSync(work, { recursive: true, force: true })
console.log(
  `${made.length + 2} files in ${out}: version ${version}, commit ${source.commit}, ${Math.round((Date.now() - started) / 1000)} s`,
)
console.log(
  options.key === undefined
    ? 'SHA256SUMS is not signed: no --key FILE was given.'
    : 'SHA256SUMS is signed: SHA256SUMS.sig',
)
