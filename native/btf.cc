// A living map's layout, as its own BTF tells it: what a program was compiled with, whatever
// this one has.

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <memory>

#include "bpf.h"
#include "common.h"

namespace {

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};
using Types = std::unique_ptr<btf, FreeBtf>;

/// Whether the type, or one that it is a typedef of, says that it is in network order.
bool IsBigEndian(const btf* types, uint32_t id) {
  for (const btf_type* type = btf__type_by_id(types, id); type && btf_is_typedef(type);
       type = btf__type_by_id(types, type->type)) {
    if (std::string_view(btf__name_by_offset(types, type->name_off)).starts_with("__be"))
      return true;
  }
  return false;
}

Napi::Object Fields(Napi::Env env, const btf* types, const btf_type* type) {
  auto fields = Napi::Object::New(env);
  const btf_member* members = btf_members(type);
  for (uint32_t i = 0; i < btf_vlen(type); i++) {
    auto field = Napi::Object::New(env);
    field.Set("offset", btf_member_bit_offset(type, i) / 8);
    field.Set("size", static_cast<double>(btf__resolve_size(types, members[i].type)));
    field.Set("bigEndian", IsBigEndian(types, members[i].type));
    fields.Set(btf__name_by_offset(types, members[i].name_off), field);
  }
  return fields;
}

Napi::Object Values(Napi::Env env, const btf* types, const btf_type* type) {
  auto values = Napi::Object::New(env);
  const struct btf_enum* all = btf_enum(type);
  for (uint32_t i = 0; i < btf_vlen(type); i++)
    values.Set(btf__name_by_offset(types, all[i].name_off), static_cast<uint32_t>(all[i].val));
  return values;
}

}  // namespace

Napi::Value BpfMap::Layout(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  bpf_map_info map = {};
  uint32_t size = sizeof(map);
  if (bpf_obj_get_info_by_fd(fd_.get(), &map, &size) < 0)
    throw SystemError(env, "bpf_obj_get_info_by_fd", errno);
  Types types(btf__load_from_kernel_by_id(map.btf_id));
  if (!types) throw SystemError(env, "btf__load_from_kernel_by_id", errno);
  auto structs = Napi::Object::New(env);
  auto enums = Napi::Object::New(env);
  for (uint32_t id = 1; id < btf__type_cnt(types.get()); id++) {
    const btf_type* type = btf__type_by_id(types.get(), id);
    const char* name = btf__name_by_offset(types.get(), type->name_off);
    if (btf_is_struct(type)) structs.Set(name, Fields(env, types.get(), type));
    if (btf_is_enum(type)) enums.Set(name, Values(env, types.get(), type));
  }
  auto layout = Napi::Object::New(env);
  layout.Set("structs", structs);
  layout.Set("enums", enums);
  return layout;
}

Napi::Value OpenMap(const Napi::CallbackInfo& info) {
  Fd map(bpf_map_get_fd_by_id(Number(info[0], "id")));
  if (!map) throw SystemError(info.Env(), "bpf_map_get_fd_by_id", errno);
  auto* constructor = info.Env().GetInstanceData<Napi::FunctionReference>();
  return constructor->New({Napi::Number::New(info.Env(), map.get())});
}
