/** What a browser has and jsdom has not, and how a person uses Grafana's pick lists. Test-only. */
import { configure, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

/** Lists draw only what fits, so that things need a size. */
export function withSizes() {
  // Whether each ancestor is visible is dear to compute here, and nothing is hidden.
  configure({ defaultHidden: true });
  const size = { width: 400, height: 400, top: 0, left: 0, bottom: 0, right: 0, x: 0, y: 0 };
  Element.prototype.getBoundingClientRect = () => ({ ...size, toJSON: () => size });
  // Widths of lists are measured on a canvas.
  HTMLCanvasElement.prototype.getContext = (() => ({
    measureText: (text: string) => ({ width: text.length * 8 }),
  })) as unknown as HTMLCanvasElement['getContext'];
  class Observer {
    observe() {}
    unobserve() {}
    disconnect() {}
    takeRecords() {
      return [];
    }
  }
  Object.assign(globalThis, { IntersectionObserver: Observer, ResizeObserver: Observer });
  for (const name of ['clientWidth', 'clientHeight', 'offsetWidth', 'offsetHeight']) {
    Object.defineProperty(HTMLElement.prototype, name, { configurable: true, value: 400 });
  }
}

/** Opens the pick list of that label and chooses an option. */
export async function choose(label: string, option: string | RegExp, typed = '') {
  const input = screen.getByRole('combobox', { name: label });
  await userEvent.click(input);
  if (typed !== '') {
    await userEvent.type(input, typed);
  }
  const found = await waitFor(
    () => {
      const matching = screen
        .getAllByRole('option')
        .filter(({ textContent }) =>
          typeof option === 'string' ? textContent?.startsWith(option) : option.test(textContent ?? '')
        );
      expect(matching.length).toBeGreaterThan(0);
      return matching[0];
    },
    { timeout: 3000 }
  );
  await userEvent.click(found);
  // Lists of several choices stay open.
  if (input.getAttribute('aria-expanded') === 'true') {
    await userEvent.keyboard('{Escape}');
  }
}
