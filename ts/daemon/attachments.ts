import type { Interfaces } from '../dataplane/interfaces.ts';
import type { LinkMessage } from '../net/netlink.ts';
import { type Choice, isChosen } from './choice.ts';
import { StartError } from './start.ts';

/** What keeps the program attached to the chosen interfaces. */
export interface AttachmentsOptions {
  readonly interfaces: Interfaces;
  readonly choice: Choice;
  readonly log: { info(message: string): void; error(message: string): void };
}

/** The chosen interfaces, kept attached while links come, go and change. */
export class Attachments {
  readonly #options: AttachmentsOptions;
  /** Interfaces that could not be attached: said once, until they go down. */
  readonly #refused = new Set<number>();

  constructor(options: AttachmentsOptions) {
    this.#options = options;
  }

  /**
   * Attaches every chosen link. Throws StartError when one that was named is refused, or all
   * are; returns why others were.
   */
  begin(links: Iterable<LinkMessage>): readonly string[] {
    const { choice, interfaces } = this.#options;
    const refusals: string[] = [];
    for (const link of links) {
      const reason = this.#update(link);
      if (reason === undefined) continue;
      if (choice !== 'every') throw new StartError(reason);
      refusals.push(reason);
    }
    if (refusals.length > 0 && interfaces.all.length === 0)
      throw new StartError(refusals.join('; '));
    return refusals;
  }

  /** Takes in the news of a link. */
  update(link: LinkMessage): void {
    this.#update(link);
  }

  /** The reason where a link is chosen and cannot be attached. */
  #update(link: LinkMessage): string | undefined {
    const { interfaces, choice, log } = this.#options;
    const { ifindex, name } = link;
    if (link.removed) {
      if (interfaces.has(ifindex)) log.info(`${name} is gone`);
      interfaces.forget(ifindex);
    }
    if (link.removed || !link.up) this.#refused.delete(ifindex);
    const wanted = !link.removed && isChosen(choice, link) && !this.#refused.has(ifindex);
    if (!wanted || interfaces.has(ifindex)) return undefined;
    try {
      const { mode, queues } = interfaces.attach(name, ifindex);
      log.info(`attached to ${name} (${mode}, ${queues} queues)`);
      return undefined;
    } catch (error) {
      this.#refused.add(ifindex);
      const { message, code } = error as NodeJS.ErrnoException;
      const advice = code === 'ENOBUFS' ? '; CAP_IPC_LOCK or more locked memory is needed' : '';
      const reason = `cannot attach to ${name}: ${message}${advice}`;
      log.error(reason);
      return reason;
    }
  }
}
