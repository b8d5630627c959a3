#include "bpf.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>

#include "common.h"

namespace {

/// What libbpf said last: the verifier's log when a load fails.
thread_local std::string libbpf_log;

int KeepLog(libbpf_print_level level, const char* format, va_list arguments) {
  constexpr size_t kMost = 1 << 20;
  if (level == LIBBPF_DEBUG) return 0;
  char* line = nullptr;
  if (vasprintf(&line, format, arguments) < 0) return 0;
  if (libbpf_log.size() < kMost) libbpf_log += line;
  free(line);
  return 0;
}

Napi::Error LoadError(Napi::Env env, const std::string& call, int error) {
  Napi::Error thrown = SystemError(env, call, error);
  thrown.Set("log", libbpf_log);
  return thrown;
}

uint32_t AttachFlags(xdp_attach_mode mode) {
  return mode == XDP_MODE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
}

bpf_prog_info ProgramInfo(Napi::Env env, int fd) {
  bpf_prog_info program = {};
  uint32_t size = sizeof(program);
  if (bpf_obj_get_info_by_fd(fd, &program, &size) < 0)
    throw SystemError(env, "bpf_obj_get_info_by_fd", errno);
  return program;
}

}  // namespace

Napi::Function BpfObject::Define(Napi::Env env) {
  libbpf_set_print(KeepLog);
  libxdp_set_print(nullptr);
  return DefineClass(
      env, "BpfObject",
      {InstanceMethod("map", &BpfObject::Map), InstanceMethod("programId", &BpfObject::ProgramId),
       InstanceMethod("owns", &BpfObject::Owns),
       InstanceMethod("programTag", &BpfObject::ProgramTag),
       InstanceMethod("programFd", &BpfObject::ProgramFd),
       InstanceMethod("attach", &BpfObject::Attach), InstanceMethod("testRun", &BpfObject::TestRun),
       InstanceMethod("close", &BpfObject::Close)});
}

/// new BpfObject(path, {maxEntries, reuse}): opened, sized and loaded.
BpfObject::BpfObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BpfObject>(info) {
  path_ = Text(info[0], "path");
  auto max_entries = Member(info[1], "maxEntries");
  auto reuse = Member(info[1], "reuse");
  libbpf_log.clear();
  object_ = bpf_object__open_file(path_.c_str(), nullptr);
  if (!object_) throw LoadError(info.Env(), "bpf_object__open_file " + path_, errno);

  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_) {
    const char* name = bpf_map__name(map);
    Napi::Value entries = Member(max_entries, name);
    Napi::Value id = Member(reuse, name);
    if (entries.IsNumber()) bpf_map__set_max_entries(map, Number(entries, name));
    if (!id.IsNumber()) continue;
    Fd living(bpf_map_get_fd_by_id(Number(id, name)));
    if (!living) throw SystemError(info.Env(), "bpf_map_get_fd_by_id", errno);
    if (int error = bpf_map__reuse_fd(map, living.get()))
      throw LoadError(info.Env(), "bpf_map__reuse_fd", -error);
  }
  if (int error = bpf_object__load(object_))
    throw LoadError(info.Env(), "bpf_object__load", -error);
}

BpfObject::~BpfObject() { Release(); }

void BpfObject::Release() {
  if (dispatched_) xdp_program__close(dispatched_);
  if (object_) bpf_object__close(object_);
  dispatched_ = nullptr;
  object_ = nullptr;
}

void BpfObject::Close(const Napi::CallbackInfo&) { Release(); }

int BpfObject::MapFd(const char* name) const {
  return object_ ? bpf_object__find_map_fd_by_name(object_, name) : -1;
}

int BpfObject::ProgramFd(const char* name) const {
  bpf_program* program = object_ ? bpf_object__find_program_by_name(object_, name) : nullptr;
  return program ? bpf_program__fd(program) : -1;
}

bpf_program* BpfObject::Program(const Napi::CallbackInfo& info) const {
  std::string name = Text(info[0], "name");
  auto* program = object_ ? bpf_object__find_program_by_name(object_, name.c_str()) : nullptr;
  if (!program) throw Napi::TypeError::New(info.Env(), "expected a program, received " + name);
  return program;
}

Napi::Value BpfObject::Map(const Napi::CallbackInfo& info) {
  std::string name = Text(info[0], "name");
  int fd = MapFd(name.c_str());
  if (fd < 0) throw Napi::TypeError::New(info.Env(), "expected a map, received " + name);
  auto* constructor = info.Env().GetInstanceData<Napi::FunctionReference>();
  return constructor->New({Napi::Number::New(info.Env(), fd)});
}

Napi::Value BpfObject::ProgramId(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), ProgramInfo(info.Env(), bpf_program__fd(Program(info))).id);
}

Napi::Value BpfObject::Owns(const Napi::CallbackInfo& info) {
  uint32_t id = Number(info[0], "programId");
  bool owns = dispatched_ && xdp_program__id(dispatched_) == id;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    owns |= ProgramInfo(info.Env(), bpf_program__fd(program)).id == id;
  }
  return Napi::Boolean::New(info.Env(), owns);
}

Napi::Value BpfObject::ProgramFd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), bpf_program__fd(Program(info)));
}

Napi::Value BpfObject::ProgramTag(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(),
                           TagText(ProgramInfo(info.Env(), bpf_program__fd(Program(info))).tag));
}

/// True when attached so that other XDP programs may share the interface.
bool BpfObject::AttachByDispatcher(int ifindex, xdp_attach_mode mode) {
  if (!dispatched_) {
    bpf_object* twin = bpf_object__open_file(path_.c_str(), nullptr);
    if (!twin) return false;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, twin) {
      int fd = MapFd(bpf_map__name(map));
      if (fd >= 0 && !bpf_map__is_internal(map)) bpf_map__reuse_fd(map, fd);
    }
    xdp_program* program = xdp_program__from_bpf_obj(twin, "xdp.frags");
    if (libxdp_get_error(program)) {
      bpf_object__close(twin);
      return false;
    }
    dispatched_ = program;
  }
  return xdp_program__attach(dispatched_, ifindex, mode, 0) == 0;
}

Napi::Value BpfObject::Attach(const Napi::CallbackInfo& info) {
  bpf_program* program = Program(info);
  int ifindex = static_cast<int>(Number(info[1], "ifindex"));
  xdp_attach_mode mode = Text(info[2], "mode") == "native" ? XDP_MODE_NATIVE : XDP_MODE_SKB;
  uint32_t replace_id = Number(info[3], "replaceId");
  libbpf_log.clear();

  if (replace_id != 0) {
    Fd old(bpf_prog_get_fd_by_id(replace_id));
    LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = old.get());
    if (int error = bpf_xdp_attach(ifindex, bpf_program__fd(program),
                                   AttachFlags(mode) | XDP_FLAGS_REPLACE, &options))
      throw LoadError(info.Env(), "bpf_xdp_attach", -error);
    return Napi::String::New(info.Env(), "single");
  }
  if (AttachByDispatcher(ifindex, mode)) {
    xdp_multiprog* all = xdp_multiprog__get_from_ifindex(ifindex);
    bool alone = libxdp_get_error(all) || xdp_multiprog__is_legacy(all);
    if (!libxdp_get_error(all)) xdp_multiprog__close(all);
    return Napi::String::New(info.Env(), alone ? "single" : "dispatcher");
  }
  if (int error = bpf_xdp_attach(ifindex, bpf_program__fd(program),
                                 AttachFlags(mode) | XDP_FLAGS_UPDATE_IF_NOEXIST, nullptr))
    throw LoadError(info.Env(), "bpf_xdp_attach", -error);
  return Napi::String::New(info.Env(), "single");
}

Napi::Value BpfObject::TestRun(const Napi::CallbackInfo& info) {
  // XDP may write behind the frame as far as the driver's room goes.
  constexpr size_t kRoom = 512;
  int fd = bpf_program__fd(Program(info));
  auto frame = Bytes(info[1], "frame");
  std::vector<uint8_t> out(frame.size() + kRoom);
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(), .data_out = out.data(),
              .data_size_in = static_cast<uint32_t>(frame.size()),
              .data_size_out = static_cast<uint32_t>(out.size()),
              .repeat = static_cast<int>(Number(info[2], "repeat")));
  if (bpf_prog_test_run_opts(fd, &run) < 0)
    throw SystemError(info.Env(), "bpf_prog_test_run_opts", errno);
  auto bytes = Napi::Uint8Array::New(info.Env(), run.data_size_out);
  memcpy(bytes.Data(), out.data(), run.data_size_out);
  auto result = Napi::Object::New(info.Env());
  result.Set("action", run.retval);
  result.Set("frame", bytes);
  result.Set("durationNs", run.duration);
  return result;
}
