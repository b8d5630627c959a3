// What is attached to an interface: our program alone, or behind libxdp's dispatcher.

#include <bpf/bpf.h>
#include <linux/if_link.h>

#include "bpf.h"
#include "common.h"

std::string TagText(const uint8_t (&tag)[BPF_TAG_SIZE]) {
  std::string text;
  char digits[3];
  for (uint8_t byte : tag) {
    snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

namespace {

/// The kernel keeps 15 characters of a name.
bool HasName(const bpf_prog_info& program, const std::string& name) {
  return name.substr(0, BPF_OBJ_NAME_LEN - 1) == program.name;
}

bool ReadProgram(int fd, bpf_prog_info* program, std::vector<uint32_t>* map_ids) {
  constexpr uint32_t kMaps = 64;
  uint32_t size = sizeof(*program);
  map_ids->assign(kMaps, 0);
  *program = {};
  program->nr_map_ids = kMaps;
  program->map_ids = reinterpret_cast<uintptr_t>(map_ids->data());
  if (bpf_obj_get_info_by_fd(fd, program, &size) < 0) return false;
  map_ids->resize(std::min(program->nr_map_ids, kMaps));
  return true;
}

Napi::Object MapsByName(Napi::Env env, const std::vector<uint32_t>& ids) {
  auto maps = Napi::Object::New(env);
  for (uint32_t id : ids) {
    Fd map(bpf_map_get_fd_by_id(id));
    bpf_map_info about = {};
    uint32_t size = sizeof(about);
    if (map && bpf_obj_get_info_by_fd(map.get(), &about, &size) == 0) maps.Set(about.name, id);
  }
  return maps;
}

struct Found {
  /// The program with the name, or 0.
  uint32_t id = 0;
  uint8_t mode = 0;
  /// Not behind a dispatcher: no other program can share the interface.
  bool alone = false;
  /// There is a program, and this process may not look into it.
  bool hidden = false;
};

Found FindAttached(int ifindex, const std::string& name) {
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  if (bpf_xdp_query(ifindex, 0, &query) < 0 || query.prog_id == 0) return {};
  bpf_prog_info program;
  std::vector<uint32_t> maps;
  Fd single(bpf_prog_get_fd_by_id(query.prog_id));
  if (!single && errno == EPERM)
    return {.id = query.prog_id, .mode = query.attach_mode, .alone = true, .hidden = true};
  if (single && ReadProgram(single.get(), &program, &maps) && HasName(program, name))
    return {.id = program.id, .mode = query.attach_mode, .alone = true};

  Found found = {.mode = query.attach_mode};
  xdp_multiprog* all = xdp_multiprog__get_from_ifindex(ifindex);
  if (libxdp_get_error(all)) return found;
  for (auto* one = xdp_multiprog__next_prog(nullptr, all); one && !found.id;
       one = xdp_multiprog__next_prog(one, all)) {
    if (ReadProgram(xdp_program__fd(one), &program, &maps) && HasName(program, name))
      found.id = program.id;
  }
  xdp_multiprog__close(all);
  return found;
}

}  // namespace

Napi::Value AttachedProgram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int ifindex = static_cast<int>(Number(info[0], "ifindex"));
  auto [id, mode, alone, hidden] = FindAttached(ifindex, Text(info[1], "name"));
  if (id == 0) return env.Undefined();
  bpf_prog_info program = {};
  std::vector<uint32_t> map_ids;
  Fd fd(bpf_prog_get_fd_by_id(id));
  if (!hidden && (!fd || !ReadProgram(fd.get(), &program, &map_ids)))
    throw SystemError(env, "bpf_obj_get_info_by_fd", errno);
  auto attached = Napi::Object::New(env);
  attached.Set("id", id);
  attached.Set("tag", TagText(program.tag));
  attached.Set("mode", mode == XDP_ATTACHED_SKB ? "generic" : "native");
  attached.Set("alone", alone);
  attached.Set("hidden", hidden);
  attached.Set("maps", MapsByName(env, map_ids));
  return attached;
}

void Detach(const Napi::CallbackInfo& info) {
  int ifindex = static_cast<int>(Number(info[0], "ifindex"));
  uint32_t id = Number(info[1], "programId");
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  if (int error = bpf_xdp_query(ifindex, 0, &query))
    throw SystemError(info.Env(), "bpf_xdp_query", -error);
  bool generic = query.attach_mode == XDP_ATTACHED_SKB;
  int error = 0;
  if (query.prog_id == id) {
    Fd old(bpf_prog_get_fd_by_id(id));
    // Without the right to open it by its id, that it was there a moment ago has to do.
    LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = old ? old.get() : 0);
    error = bpf_xdp_detach(ifindex, generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE, &options);
  } else if (query.prog_id != 0) {
    xdp_program* program = xdp_program__from_id(id);
    if (libxdp_get_error(program)) throw SystemError(info.Env(), "xdp_program__from_id", ENOENT);
    error = xdp_program__detach(program, ifindex, generic ? XDP_MODE_SKB : XDP_MODE_NATIVE, 0);
    xdp_program__close(program);
  }
  if (error) throw SystemError(info.Env(), "bpf_xdp_detach", -error);
}
