/** A program of Quorate, as it is packaged. */
export interface Program {
  readonly name: 'quorate' | 'quorate-agent'
  readonly entry: string
  /** Flags of Node and V8 in the executable. */
  readonly execArgv: readonly string[]
}

export const programs: readonly Program[] = [
  // An agent idles on every node for years: small heaps, code optimised for size. Its largest task, a snapshot, is a stream. The two compilers
  // that speed up a program's first minutes are disabled: their pages are 2 MiB of an idle agent.
  {
    name: 'quorate-agent',
    entry: 'agent/src/main.ts',
    execArgv: ['--optimize-for-size', '--max-semi-space-size=1', '--no-sparkplug', '--no-maglev'],
  },
  { name: 'quorate', entry: 'coordinator/src/main.ts', execArgv: [] },
]

/** As Node and npm call them. */
export type Architecture = 'x64' | 'arm64'

interface NamesAndTools {
  readonly debian: string
  readonly rpm: string
  /** Removes symbols from its executables. */
  readonly strip: string
  /** Starts its executables on x64: the first words of a command line. */
  readonly emulator: readonly string[]
}

/** What other programs call the same, and the tools for each. */
export const architectures: Readonly<Record<Architecture, NamesAndTools>> = {
  x64: { debian: 'amd64', rpm: 'x86_64', strip: 'strip', emulator: [] },
  arm64: {
    debian: 'arm64',
    rpm: 'aarch64',
    strip: 'aarch64-linux-gnu-strip',
    emulator: ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'],
  },
}

/** Packages of distributions. */
export const formats = ['deb', 'rpm'] as const
export type Format = (typeof formats)[number]
