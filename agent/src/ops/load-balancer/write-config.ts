import { QuorateError } from '@quorate/shared/errors'
import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import type { LoadBalancerProgram } from '@quorate/shared/load-balancer-place'
import { installCommand } from '@quorate/shared/package-manager'
import { editFile } from '../backup/edit-file.js'
import { backupPlace, keepUnit } from '../backup/store.js'
import type { ChangeContext } from '../context/operation.js'
import { withRuntimeFolder } from '../context/runtime-folder.js'
import { programOf, readOperatingSystem } from '../facts/machine.js'
import type { RenderedProgram } from './render-files.js'
import { testFiles } from './test-files.js'
import { forgetLoaded, readUnitFiles, unitBefore } from './units.js'

/** COMMAND_FAILED if a program is missing: Quorate installs no packages. */
export async function requireInstalled(
  context: ChangeContext,
  programs: readonly LoadBalancerProgram[],
): Promise<void> {
  const { host } = context.tools
  for (const program of programs) {
    if ((await programOf(host, program, context.signal)) !== undefined) continue
    throw new QuorateError('COMMAND_FAILED', `${program} is not installed on this node`, {
      remedy: `On that node: \`${installCommand(await readOperatingSystem(host), programs)}\`, then run it again.`,
    })
  }
}

/** Writes a program's configuration and unit file after its own program has accepted them; keeps the previous files and the state of the service. */
export async function writeFiles(context: ChangeContext, rendered: RenderedProgram): Promise<readonly TouchedObject[]> {
  const { host } = context.tools
  const { place, config, unitFile } = rendered
  const files = [{ path: place.configPath, text: config }, ...(unitFile === undefined ? [] : [unitFile])]
  const present = await Promise.all(files.map(({ path }) => host.read(path)))
  const differs = files.map(({ text }, index) => present[index]?.bytes.equals(Buffer.from(text)) !== true)
  if (differs.includes(true)) await requireGood(context, rendered)
  // The file was changed since, and may have been loaded: what the service runs is unknown.
  if (differs[0]) await forgetLoaded(host, place.unit)
  await keepUnit(backupPlace(context), place.unit, await unitBefore(host, place.unit, context.signal))
  const touched: TouchedObject[] = []
  for (const { path, text } of files) {
    const [done, alreadySo] = [`${path} written`, `${path} needs no change`]
    const written = await editFile(context, { path, edit: () => text, mode: 0o644, done, alreadySo })
    touched.push(...written.touched)
  }
  if (touched.some(({ name }) => name === unitFile?.path)) await readUnitFiles(context)
  return touched
}

async function requireGood(context: ChangeContext, rendered: RenderedProgram): Promise<void> {
  const { header, signal, tools } = context
  const refused = await withRuntimeFolder(tools.host, header.operationId, (folder) =>
    testFiles(rendered, { host: tools.host, folder, signal }),
  )
  if (refused === undefined) return
  throw new QuorateError('COMMAND_FAILED', `${refused.program} refuses its new configuration: ${refused.said}`, {
    where: refused.path,
    remedy: `The old configuration still runs. Compare the version of ${refused.program} on that node with docs/machines.md.`,
  })
}
