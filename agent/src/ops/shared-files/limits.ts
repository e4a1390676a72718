/** The configuration of an API server is a few files of a few kilobytes; anything larger is data and not copied. */
export const mostFiles = 200
export const mostFileBytes = 1024 * 1024
/** All files together, so that the sealed archive fits into one message (gRPC's limit is 4 MiB). */
export const mostArchiveBytes = 2 * 1024 * 1024
