/** Bytes of request bodies in memory at once, over all requests. */
export const bodiesBytesMax = 128 * 1024 * 1024;

/** The room that bodies under way share: many large ones at once are refused, none of them makes the process fall. */
export interface BodyRoom {
  /** Takes room; false, and nothing is taken, when there is not so much left. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** The room of all projects. */
export interface BodyRooms {
  /** What one project may take of it: half, so that none shuts out the others (I10). */
  of(projectId: string): BodyRoom;
}

/** Rooms of so many bytes together, all of it free. */
export function createBodyRooms(bytesMax: number): BodyRooms {
  let used = 0;
  const usedByProject = new Map<string, number>();
  return {
    of(projectId) {
      const own = (): number => usedByProject.get(projectId) ?? 0;
      const change = (bytes: number): void => {
        used += bytes;
        usedByProject.set(projectId, own() + bytes);
        if (own() === 0) usedByProject.delete(projectId);
      };
      return {
        take(bytes) {
          if (used + bytes > bytesMax || own() + bytes > bytesMax / 2) return false;
          change(bytes);
          return true;
        },
        give: (bytes) => change(-bytes),
      };
    },
  };
}
