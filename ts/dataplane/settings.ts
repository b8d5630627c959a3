import type { SettingName, Settings } from '../lvs/settings.ts';
import { Settings as Struct } from '../native/abi.gen.ts';

/** Writes the settings into a struct settings, whose other fields stay. */
export function putSettings(view: DataView, settings: Settings): void {
  const put: Readonly<Record<SettingName, (view: DataView, at: number, value: number) => void>> = {
    conn_reuse_mode: Struct.setConnReuseMode,
    expire_nodest_conn: Struct.setExpireNodestConn,
    pmtu_disc: Struct.setPmtuDisc,
    expire_quiescent_template: Struct.setExpireQuiescentTemplate,
    sloppy_tcp: Struct.setSloppyTcp,
    drop_entry: Struct.setDropEntry,
    syn_cookies: Struct.setSynCookies,
    // The schedulers' own:
    mh_tab_index: () => {},
    overhead: () => {},
    lblc_expiration: () => {},
    lblcr_expiration: () => {},
  };
  for (const [name, value] of Object.entries(settings)) put[name as SettingName](view, 0, value);
}
