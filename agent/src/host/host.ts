import type { ClusterFolders } from '@quorate/shared/cluster-folders'

/** A file with the attributes that must survive its replacement. */
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

/** The kind of what lies at a path, links followed. */
export type PathKind = 'file' | 'directory' | 'socket' | 'character device' | 'block device' | 'other'

export interface ReplaceOptions {
  /** For a new file; an existing file keeps its mode and owner. */
  readonly mode: number
  readonly uid?: number
  readonly gid?: number
  /** The given mode and owner apply to an existing file too: this is how a file is restored. */
  readonly exact?: boolean
}

export interface ReadOptions {
  readonly followLinks?: boolean
  /** Default: `usualMostBytes`. */
  readonly mostBytes?: number
}

/** Of a file that an operation reads whole: configuration, keys, certificates. The largest that is known, a hosts file of blocked names, has 2 MiB. */
export const usualMostBytes = 4 * 1024 * 1024

/** An entry below a folder, with all its attributes but times. */
export interface TreeEntry {
  readonly path: string
  readonly kind: 'file' | 'directory' | 'symlink' | 'other'
  /** Permission bits only; 0 for a link, which has none. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of a file; otherwise 0. */
  readonly size: number
  /** sha256 (hex) of a file's bytes, the target of a link; otherwise empty. */
  readonly contents: string
}

export interface Owned {
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** Ownership of a path itself, not of a link's target. */
export interface PathOwner {
  /** Owned by the user of this agent, and no other user may write to it. */
  readonly ours: boolean
  /** Target of a symbolic link. */
  readonly link?: string
}

/** A command line as a value, never shell text. host/commands.ts makes all of them. */
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

/** How to measure a disk: this many records of this many bytes, within this time, but at least a few. */
export interface SyncWish {
  readonly writes: number
  readonly bytes: number
  readonly limitMs: number
}

export interface SyncLatency {
  /** Where it was written. */
  readonly folder: string
  /** How long each record took to become durable, in order; milliseconds. */
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
  /** Folders of the cluster that this node is about to join, from one request; see node-folders.ts. */
  readonly told?: Partial<ClusterFolders>
  /**
   * The file, or undefined if it does not exist. A symlink is followed only with `followLinks`; otherwise SYMLINK_REFUSED. FILE_TOO_LARGE
   * if it has more than `mostBytes`.
   */
  read(path: string, options?: ReadOptions): Promise<HostFile | undefined>
  /** A regular file's bytes in pieces, for large files; undefined if it does not exist. Links are refused. */
  readStream(path: string): Promise<AsyncIterable<Uint8Array> | undefined>
  /** Entries of a folder; empty if it does not exist. */
  list(path: string): Promise<readonly DirectoryEntry[]>
  /** A path and everything below it, sorted by path; links are not followed; empty if it does not exist. */
  tree(path: string): Promise<readonly TreeEntry[]>
  /** Makes a folder whose parent exists, or sets mode and owner of an existing one. */
  makeFolder(path: string, owned: Owned): Promise<void>
  /** Makes a symbolic link at a free path. */
  makeLink(path: string, target: string, owner: { readonly uid: number; readonly gid: number }): Promise<void>
  /** Removes an empty folder; false if it is not empty or does not exist. */
  removeEmptyFolder(path: string): Promise<boolean>
  /** Replaces or makes a file atomically: hidden temporary file beside it, fsync, rename, fsync of the folder; keeps mode, owner and security context. */
  replace(path: string, bytes: Uint8Array, options: ReplaceOptions): Promise<void>
  /** As `replace`, for large content (an etcd snapshot): resolves with its size; leaves nothing if the stream fails. */
  replaceStream(path: string, chunks: AsyncIterable<Uint8Array>, options: ReplaceOptions): Promise<number>
  /** Removes a file or, with `recursive`, a folder; no error if it does not exist. */
  remove(path: string, options?: { readonly recursive?: boolean }): Promise<void>
  /** The path with symbolic links resolved, as the node's programs see it. */
  linkEnd(path: string): Promise<string>
  /** Ownership of a path; undefined if it does not exist. */
  owned(path: string): Promise<PathOwner | undefined>
  /** Runs a program as a child and waits; a non-zero exit code is a result, not an error. */
  run(command: Command, signal?: AbortSignal): Promise<CommandResult>
  /** Kind and size of what lies at a path, links followed; undefined if it does not exist. Opens nothing. */
  look(path: string): Promise<{ readonly kind: PathKind; readonly bytes: number } | undefined>
  /** What changes when a file is replaced (inode, size, time of change), links followed; undefined if it does not exist. */
  identity(path: string): Promise<string | undefined>
  diskSpace(path: string): Promise<DiskSpace | undefined>
  /** How long the disk under a path takes to make records durable, in its own file beside the path, which is removed again. */
  syncLatency(path: string, wish: SyncWish): Promise<SyncLatency>
  /** How fast that disk writes a large file; measured the same way. */
  writeRate(path: string, limitMs: number): Promise<WriteRate>
  /** The real location of a path for system calls outside of this interface (unix sockets of the container runtime). */
  realPath(path: string): string
}
