import type { ReaderKind } from '../reader.js';

/** The reader of a folder of files. */
export const filesReaderKind: ReaderKind = {
  kind: 'files',
  label: 'a folder of Parquet, CSV or JSON files',
  recognises: ({ isFolder }) => isFolder === true,
  open: async (options) => {
    const { FilesReader } = await import('./files-reader.js');
    return new FilesReader(options);
  },
};
