// lvs.node: what JavaScript cannot do. ts/native/addon.ts is its typed face.

#include <bpf/libbpf.h>

#include "address_table.h"
#include "bpf.h"
#include "memory_director.h"
#include "slow_path.h"
#include "socket.h"

static Napi::Value PossibleCpus(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), libbpf_num_possible_cpus());
}

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  // BpfObject.map() makes BpfMaps; the constructor belongs to this environment.
  auto* map = new Napi::FunctionReference(Napi::Persistent(BpfMap::Define(env)));
  env.SetInstanceData(map);
  exports.Set("BpfObject", BpfObject::Define(env));
  exports.Set("AddressTable", AddressTable::Define(env));
  exports.Set("SlowPath", SlowPath::Define(env));
  exports.Set("NetlinkSocket", NetlinkSocket::Define(env));
  exports.Set("MemoryDirector", MemoryDirector::Define(env));
  exports.Set("openMap", Napi::Function::New(env, OpenMap));
  exports.Set("attachedProgram", Napi::Function::New(env, AttachedProgram));
  exports.Set("detach", Napi::Function::New(env, Detach));
  exports.Set("netnsCookie", Napi::Function::New(env, NetnsCookie));
  exports.Set("possibleCpus", Napi::Function::New(env, PossibleCpus));
  return exports;
}

NODE_API_MODULE(lvs, Init)
