import type { ClusterFolders } from '@quorate/shared/cluster-folders'

/** A file with what must survive its replacement. */
export interface HostFile {
  readonly bytes: Buffer
  /** Permission bits only, such as 0o600. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface DirectoryEntry {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'symlink' | 'other'
}

/** What lies at a path, at the end of links. */
export type PathKind = 'file' | 'directory' | 'socket' | 'character device' | 'block device' | 'other'

export interface ReplaceOptions {
  /** What a new file gets; a file that exists keeps its own mode and owner. */
  readonly mode: number
  readonly uid?: number
  readonly gid?: number
  /** The mode and owner given hold also where the file exists: how a file is put back as it was. */
  readonly exact?: boolean
}

/** Anything that lies below a folder, with all that makes it what it is but its times. */
export interface TreeEntry {
  readonly path: string
  readonly kind: 'file' | 'directory' | 'symlink' | 'other'
  /** Permission bits only; 0 for a link, which has none of its own. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of a file; else 0. */
  readonly size: number
  /** sha256 (hex) of a file's bytes, the target of a link; else empty. */
  readonly contents: string
}

export interface Owned {
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** Whose a path is, itself and not what it may lead to. */
export interface PathOwner {
  /** Of the user of this agent, and nobody else may write there. */
  readonly ours: boolean
  /** Target of a symbolic link. */
  readonly link?: string
}

/** A command line as a value: never shell text. All of them are made in host/commands.ts. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  /** Killed after this time; milliseconds. */
  readonly timeoutMs: number
}

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface DiskSpace {
  readonly freeBytes: number
  readonly sizeBytes: number
  readonly readOnly: boolean
}

/** How a disk is asked for its speed: so many records of so many bytes, no longer than that, but a few in any case. */
export interface SyncWish {
  readonly writes: number
  readonly bytes: number
  readonly limitMs: number
}

export interface SyncLatency {
  /** Where it was written. */
  readonly folder: string
  /** How long each record took to be durable, in their order; milliseconds. */
  readonly took: readonly number[]
}

export interface WriteRate {
  /** Where it was written. */
  readonly folder: string
  readonly bytesPerSecond: number
}

/**
 * The node's files and programs. Paths are absolute as the node's own programs see them (`/etc/kubernetes/admin.conf`);
 * a simulated node maps them below its folder. Only host/linux-host.ts implements it with effects.
 */
export interface Host {
  /** Folders of the cluster that this node is about to join, as one call says them; see node-folders.ts. */
  readonly told?: Partial<ClusterFolders>
  /** The file, or undefined when it does not exist. A symlink is followed only where `followLinks` says so; else SYMLINK_REFUSED. */
  read(path: string, options?: { readonly followLinks?: boolean }): Promise<HostFile | undefined>
  /** A regular file's bytes in pieces, for what is too much for memory; undefined when it does not exist. Links are refused. */
  readStream(path: string): Promise<AsyncIterable<Uint8Array> | undefined>
  /** Entries of a folder; empty when it does not exist. */
  list(path: string): Promise<readonly DirectoryEntry[]>
  /** A path and everything below it, sorted by path; links are not followed; empty when it does not exist. */
  tree(path: string): Promise<readonly TreeEntry[]>
  /** Makes a folder whose parent exists, or gives one that exists this mode and owner. */
  makeFolder(path: string, owned: Owned): Promise<void>
  /** Makes a symbolic link where nothing is. */
  makeLink(path: string, target: string, owner: { readonly uid: number; readonly gid: number }): Promise<void>
  /** Removes a folder that has nothing in it; false when it has, or does not exist. */
  removeEmptyFolder(path: string): Promise<boolean>
  /** Replaces or makes a file atomically: hidden temporary file beside it, fsync, rename, fsync of the folder; keeps mode, owner and security context. */
  replace(path: string, bytes: Uint8Array, options: ReplaceOptions): Promise<void>
  /** As `replace`, for bytes that are too many for memory (an etcd snapshot): resolves with their number; nothing is left when the stream fails. */
  replaceStream(path: string, chunks: AsyncIterable<Uint8Array>, options: ReplaceOptions): Promise<number>
  /** Removes a file or, where `recursive`, a folder; silent when it does not exist. */
  remove(path: string, options?: { readonly recursive?: boolean }): Promise<void>
  /** The path at the end of symbolic links, as the node's programs see it; a path that is no link is its own end. */
  linkEnd(path: string): Promise<string>
  /** Whose a path is; undefined when nothing is there. */
  owned(path: string): Promise<PathOwner | undefined>
  /** Runs a program as a child and waits; a non-zero exit is an answer, not an error. */
  run(command: Command, signal?: AbortSignal): Promise<CommandResult>
  /** What lies at a path, through links, and how large it is; undefined when nothing does. Nothing is opened. */
  look(path: string): Promise<{ readonly kind: PathKind; readonly bytes: number } | undefined>
  /** What changes when a file is replaced (inode, size, time of change), through links; undefined when it does not exist. */
  identity(path: string): Promise<string | undefined>
  diskSpace(path: string): Promise<DiskSpace | undefined>
  /** How long the disk under a path takes to make records durable, in a file of its own beside the path, which is removed again. */
  syncLatency(path: string, wish: SyncWish): Promise<SyncLatency>
  /** How fast that disk takes a long file; measured alike. */
  writeRate(path: string, limitMs: number): Promise<WriteRate>
  /** Where a path lies for system calls that are made elsewhere (unix sockets of the container runtime). */
  realPath(path: string): string
}
