package kin;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Fields of the lines that the programs read and write: separated by spaces, bytes as Base64. */
final class Text {
  /** Stands for an explicit hash key that a record does not have. */
  static final String NONE = "-";

  private Text() {}

  static String encode(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  static String encode(ByteBuffer data) {
    byte[] bytes = new byte[data.remaining()];
    data.duplicate().get(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  static byte[] decode(String field) {
    return Base64.getDecoder().decode(field);
  }
}
