import type { Dataplane } from './dataplane.ts';
import type { MarkRule } from './marks/rule.ts';
import type { DestinationSpec, ServiceId, Timeouts } from './operation.ts';
import type { Settings } from './settings.ts';

/** What the data plane has to be told of a change of the rules. */
export type Effect =
  | {
      readonly effect: 'service';
      readonly index: number;
      readonly id: ServiceId;
      readonly present: boolean;
    }
  | DestinationEffect
  | { readonly effect: 'timeouts'; readonly timeouts: Timeouts; readonly before: Timeouts }
  | { readonly effect: 'settings'; readonly settings: Settings; readonly before: Settings }
  | {
      readonly effect: 'marks';
      readonly rules: readonly MarkRule[];
      readonly before: readonly MarkRule[];
    };

/** What becomes of one destination of a service. */
export interface DestinationEffect {
  readonly effect: 'destination';
  readonly service: ServiceId;
  readonly index: number;
  /** Undefined: not there, or in the trash. */
  readonly spec: DestinationSpec | undefined;
  readonly before: DestinationSpec | undefined;
}

/** Tells the data plane. Throws LvsError TABLE_FULL. */
export function tell(dataplane: Dataplane, effect: Effect): void {
  switch (effect.effect) {
    case 'service':
      if (effect.present) dataplane.putService(effect.index, effect.id);
      else dataplane.removeService(effect.index, effect.id);
      break;
    case 'destination':
      if (effect.spec) dataplane.putDestination(effect.index, effect.spec, effect.service);
      else dataplane.removeDestination(effect.index);
      break;
    case 'timeouts':
      dataplane.setTimeouts(effect.timeouts);
      break;
    case 'settings':
      dataplane.setSettings(effect.settings);
      break;
    case 'marks':
      dataplane.setMarks(effect.rules);
      break;
  }
}

/** The effect that takes another one back. */
export function inverse(effect: Effect): Effect {
  switch (effect.effect) {
    case 'service':
      return { ...effect, present: !effect.present };
    case 'destination':
      return { ...effect, spec: effect.before, before: effect.spec };
    case 'timeouts':
      return { ...effect, timeouts: effect.before, before: effect.timeouts };
    case 'settings':
      return { ...effect, settings: effect.before, before: effect.settings };
    case 'marks':
      return { ...effect, rules: effect.before, before: effect.rules };
  }
}
