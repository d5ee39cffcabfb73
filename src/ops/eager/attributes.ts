/** Every attribute of TensorFlow's ops that tfjs-node (4.22) or this project names; a test reads them off its files. */
export const attributes: readonly string[] = `
DstT Index N SrcT T TI T_threshold Taxis Tblock_shape Tcomplex Tcrops Tidx Tindices Tlen Tmultiples Tnumsegments Tout Tpaddings Tparams Tperm Truncate
Tshape acceptable_fraction adj_x adj_y align_corners alpha axis batch_dims begin_mask beta bias block_size cell_clip channels chroma_downsampling
compression container data_format dct_method density_unit depth_radius dilations ellipsis_mask end_mask epsilon equation exclusive explicit_paddings
extrapolation_value fancy_upscaling format half_pixel_centers index_type is_training keep_dims ksize method mode new_axis_mask num num_split
optimize_size out_idx output_dtype output_type pad_to_max_output_size padding pattern progressive quality rates ratio replace_global reverse rewrite
seed seed2 shared_name shrink_axis_mask sorted strides transpose_a transpose_b try_recover_truncated use_cudnn_on_gpu use_peephole validate_indices
x_density xmp_metadata y_density
`.trim().split(/\s+/)

interface Binding { executeOp: (op: string, attributes: readonly { name: string, type: number, value: number }[], inputs: readonly number[], outputs: number) => unknown }

/** No attribute is of this type: the addon keeps the name, then refuses. */
const noType = -1

/**
 * Makes tfjs-node's addon know every name before two threads use it. It keeps the names of attributes in one set for the whole process
 * (ATTR_NAME_SET in binding/tfjs_backend.cc) without a lock, and two threads that add to it at once damage the heap; a name that is there is only
 * looked up, which any number of threads may do. So one thread has to have done this before the next one starts.
 */
export function nameAttributes ({ executeOp }: Binding): void {
  for (const name of attributes) {
    try {
      executeOp('NoOp', [{ name, type: noType, value: 0 }], [], 0)
    } catch {
      // It always refuses.
    }
  }
}
