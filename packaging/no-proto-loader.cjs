// grpc-js loads @grpc/proto-loader only for its channelz service, which Quorate does not serve. Without it, the agent needs 1 MiB less memory.
exports.loadSync = () => {
  throw new Error('this program reads no .proto files')
}
