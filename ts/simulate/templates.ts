// Hot: runs per event.
import type { ConnectionState } from '../lvs/connection.ts';
import type { Destination } from '../lvs/destination.ts';
import type { Director } from '../lvs/director.ts';
import { CONTROLLING_S, PORT_INVALID, templateKey } from '../lvs/persistence.ts';
import { type Service, serviceKey } from '../lvs/service.ts';
import { Connection, type Connections, isTemplate } from './connections.ts';
import type { SimulatedDataplane } from './dataplane.ts';
import type { Flow } from './simulation.ts';

/** What templates live with. */
export interface TemplatesOptions {
  readonly director: Pick<Director, 'settings'>;
  readonly dataplane: Pick<SimulatedDataplane, 'isAvailable' | 'addTemplates'>;
  /** The virtual clock, in microseconds. */
  readonly now: () => number;
}

/** The templates of persistent services: entries among the connections, as in bpf/template.h. */
export class Templates {
  readonly #connections: Connections;
  readonly #options: TemplatesOptions;
  #invalid = 0;

  constructor(connections: Connections, options: TemplatesOptions) {
    this.#connections = connections;
    this.#options = options;
  }

  /** The template that sends the client of the flow somewhere; undefined where there is none. */
  find({ id, persistence }: Service, { clientAddress }: Flow): Connection | undefined {
    if (persistence === undefined) return undefined;
    const template = this.#connections.find(templateKey(id, persistence, clientAddress).key);
    if (template === undefined || this.#mayFollow(template.destination)) return template;
    this.#invalidate(template, templateKey(id, persistence, clientAddress).clientAddress, id);
    return undefined;
  }

  /** Remembers where the client was sent, if the service is persistent. */
  make(
    { id, persistence }: Service,
    { clientAddress }: Flow,
    destination: Destination,
  ): Connection | undefined {
    if (persistence === undefined) return undefined;
    const { key } = templateKey(id, persistence, clientAddress);
    const template = new Connection(key, destination, 'NONE');
    template.timeoutS = persistence.timeoutS;
    this.#connections.add(template);
    this.#options.dataplane.addTemplates(destination.index, 1);
    return template;
  }

  /** The state in which a connection begins that a template controls. */
  firstState(state: ConnectionState, template: Connection): ConnectionState {
    return state === 'UDP' && template.method === 'masq' ? 'UDP_UNANSWERED' : state;
  }

  /** The template controls a new connection: its timeout begins anew. */
  control(connection: Connection, template: Connection): void {
    connection.controller = template;
    template.controls += 1;
    this.#connections.see(template, template.timeoutS, this.#options.now());
  }

  /** A connection got another state: once it was answered, its template is assured. */
  assure({ state, controller }: Connection): void {
    if (controller === undefined) return;
    if (state === 'ESTABLISHED' || state === 'UDP') controller.state = 'ASSURED';
  }

  /** Whether what should expire is kept: a template that controls connections, for a minute. */
  keep(template: Connection): boolean {
    if (template.controls === 0) return false;
    template.timeoutS = CONTROLLING_S;
    this.#connections.see(template, CONTROLLING_S, this.#options.now());
    return true;
  }

  /** Something is gone: takes it from its template, or, where it is one, from the counts. */
  leave(gone: Connection): boolean {
    if (gone.controller !== undefined) gone.controller.controls -= 1;
    if (!isTemplate(gone)) return false;
    this.#options.dataplane.addTemplates(gone.destination.index, -1);
    return true;
  }

  #mayFollow({ index, weight }: Destination): boolean {
    const { director, dataplane } = this.#options;
    if (!dataplane.isAvailable(index)) return false;
    return weight > 0 || director.settings.expire_quiescent_template === 0;
  }

  /** It sends nobody any more. */
  #invalidate(template: Connection, client: string, id: Service['id']): void {
    const key = `${client} template ${serviceKey({ ...id, port: PORT_INVALID })}`;
    this.#connections.rename(template, `${key} ${this.#invalid++}`);
  }
}
